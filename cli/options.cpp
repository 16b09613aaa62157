// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/units.hpp>
#include <flotilla/net/option.hpp>

#include <cli/options.hpp>

#include <algorithm>

namespace flotilla::cli {

void add_socket(Parser& parser, SocketFlags& flags) {
    const char* group = "Socket";
    add_count(parser, "--hwm", flags.hwm, {1, 1'000'000},
              "Messages queued per peer and direction [1000]")
        .group(group);
    add_duration(parser, "--linger", flags.linger,
                 "At the end, longest wait until everything sent has left [5s]; exit 5 if not")
        .group(group);
    add_bytes(parser, "--max-size", flags.message_bytes_max,
              "Largest message accepted, in or out [64MiB]")
        .group(group);
    add_list(parser, "-O,--option", flags.options, "NAME=VALUE",
             "Any libzmq socket option, as in its manual: -O SNDBUF=65536; may be repeated")
        .group(group);
    add_security(parser, flags.security);
}

Result<net::SocketOptions> make_socket_options(const SocketFlags& flags) {
    if (flags.linger > 1h)
        return fail(Errc::bad_option,
                    "--linger is " + format_duration(flags.linger) + "; it must be from 0s to 1h");
    constexpr std::uint64_t message_bytes_most = 1ULL << 40;
    if (flags.message_bytes_max < 1 || flags.message_bytes_max > message_bytes_most)
        return fail(Errc::bad_option, "--max-size is " + format_bytes(flags.message_bytes_max) +
                                          "; it must be from 1B to 1TiB");
    net::SocketOptions options;
    options.send_messages_max = static_cast<std::uint32_t>(flags.hwm);
    options.receive_messages_max = static_cast<std::uint32_t>(flags.hwm);
    // The frames of a handshake are held to this too, and must pass.
    options.frame_bytes_max = std::max<std::uint64_t>(flags.message_bytes_max, 1024);
    options.message_bytes_max = flags.message_bytes_max;
    auto security = make_security(flags.security);
    if (!security)
        return fail(security.error());
    options.security = std::move(*security);
    return options;
}

Status set_options(net::Socket& socket, const SocketFlags& flags) {
    for (const std::string& option : flags.options) {
        const std::size_t equals = option.find('=');
        if (equals == std::string::npos || equals == 0)
            return fail(Errc::bad_option,
                        "-O " + option + ": write NAME=VALUE, for example -O SNDBUF=65536");
        Status set = net::set_option(socket, option.substr(0, equals), option.substr(equals + 1));
        if (!set)
            return fail(set.error().code, "-O " + option + ": " + set.error().detail);
    }
    return {};
}

} // namespace flotilla::cli
