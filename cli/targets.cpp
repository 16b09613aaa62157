// SPDX-License-Identifier: Apache-2.0
#include <cli/options.hpp>

#include <algorithm>
#include <array>
#include <string_view>

namespace flotilla::cli {

namespace {

bool looks_like_endpoint(std::string_view word) {
    if (!word.empty() && (word.front() == '@' || word.front() == '>'))
        word.remove_prefix(1);
    constexpr std::array<std::string_view, 5> schemes{"tcp://", "ipc://", "inproc://", "ws://",
                                                      "wss://"};
    return std::any_of(schemes.begin(), schemes.end(),
                       [word](std::string_view s) { return word.substr(0, s.size()) == s; });
}

} // namespace

Status check_file_first(const std::string& file, const char* verb) {
    if (!looks_like_endpoint(file))
        return {};
    return fail(Errc::bad_option, "which file? It comes first, '" + file +
                                      "' is an endpoint: zmq " + verb + " FILE ENDPOINT");
}

void add_targets(Parser& parser, std::vector<std::string>& words, Words kind) {
    parser.add_option(
        "ENDPOINT", words,
        "tcp://HOST:PORT, ipc://PATH, ws://HOST:PORT/PATH; connects, unless the host is a "
        "wildcard (* or 0.0.0.0), the port is * or the endpoint begins with @; may be "
        "repeated");
    if (kind == Words::endpoints_and_messages)
        parser.add_option("MESSAGE", "What to send, each word one message; without it the input is "
                                     "-f FILE, or stdin when that is not a terminal (- forces it)");
    parser.add_flag("--bind", "Bind all endpoints after this").group("Connection");
    parser.add_flag("--connect", "Connect all endpoints after this").group("Connection");
}

Result<Targets> make_targets(const Parser& parser, const std::vector<std::string>& words,
                             Words kind) {
    const Option positional = parser.option("ENDPOINT");
    const Option bind = parser.option("--bind");
    const Option connect = parser.option("--connect");
    Targets targets;
    net::AttachRule rule = net::AttachRule::bind_if_wildcard;
    std::size_t next = 0;
    const char* unused = nullptr; // a flag with no endpoint behind it
    for (const Option option : parser.parse_order()) {
        if (option == bind) {
            rule = net::AttachRule::bind;
            unused = "--bind";
        }
        if (option == connect) {
            rule = net::AttachRule::connect;
            unused = "--connect";
        }
        if (option != positional || next == words.size())
            continue;
        const std::string& word = words[next++];
        const bool is_message = kind == Words::endpoints_and_messages &&
                                !targets.attachments.empty() &&
                                (!targets.messages.empty() || !looks_like_endpoint(word));
        if (is_message) {
            targets.messages.push_back(word);
            continue;
        }
        auto attachment = net::parse_attachment(word, rule);
        if (!attachment)
            return fail(attachment.error());
        targets.attachments.push_back(std::move(*attachment));
        unused = nullptr;
    }
    if (unused && !targets.attachments.empty())
        return fail(Errc::bad_option, std::string(unused) +
                                          " holds for the endpoints after it, and there is none; "
                                          "write it before the endpoint");
    if (targets.attachments.empty())
        return fail(Errc::bad_option, "which endpoint? For example tcp://127.0.0.1:5555");
    return targets;
}

} // namespace flotilla::cli
