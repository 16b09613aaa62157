// SPDX-License-Identifier: Apache-2.0
#include <cli/admin/flags.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace flotilla::cli {

namespace {

constexpr std::size_t token_bytes_max = 4096;
constexpr const char* daemon_group = "Daemon";

std::string trimmed(std::string text) {
    constexpr const char* blanks = " \t\r\n";
    text.erase(text.find_last_not_of(blanks) + 1);
    text.erase(0, text.find_first_not_of(blanks));
    return text;
}

Result<std::string> read_secret(int descriptor, const std::string& path) {
    struct stat status {};
    if (fstat(descriptor, &status) != 0)
        return fail(Errc::io, path + ": " + std::strerror(errno));
    if ((status.st_mode & 077) != 0)
        return fail(Errc::unsafe_file,
                    "others may read or write " + path + ", which holds a token: chmod 600 it");
    std::string text(token_bytes_max + 1, '\0');
    const ssize_t got = read(descriptor, text.data(), text.size());
    if (got < 0)
        return fail(Errc::io, path + ": " + std::strerror(errno));
    text.resize(static_cast<std::size_t>(got));
    if (text.size() > token_bytes_max)
        return fail(Errc::malformed, path + " has more than " + std::to_string(token_bytes_max) +
                                         " bytes, and is no token");
    text = trimmed(std::move(text));
    if (text.empty())
        return fail(Errc::malformed, "there is no token in " + path);
    return text;
}

Result<std::string> read_token(const AdminFlags& flags) {
    if (flags.token_file.empty())
        return std::string{};
    const int descriptor = open(flags.token_file.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return fail(errno == ENOENT ? Errc::not_found : Errc::io,
                    flags.token_file + ": " + std::strerror(errno));
    auto token = read_secret(descriptor, flags.token_file);
    close(descriptor);
    return token;
}

Result<AdminLinks> open_links(net::Context& context, const AdminFlags& flags) {
    if (flags.endpoints.size() > AdminFlags::endpoints_max)
        return fail(Errc::bad_option, std::to_string(flags.endpoints.size()) +
                                          " endpoints; at most " +
                                          std::to_string(AdminFlags::endpoints_max));
    AdminLinks links;
    for (std::size_t i = 0; i < flags.endpoints.size(); ++i) {
        const std::string& text = flags.endpoints[i];
        auto its = security_of(i, flags.endpoints.size(), flags.security, flags.server_keys);
        if (!its)
            return fail(its.error());
        auto security = make_security(*its);
        if (!security)
            return fail(security.error());
        auto endpoint = net::Endpoint::parse(text);
        if (!endpoint)
            return fail(endpoint.error());
        if (endpoint->is_wildcard())
            return fail(Errc::bad_endpoint,
                        "'" + text + "' is a wildcard, which nobody can connect to");
        auto link = AdminLink::open(context, *endpoint, *security, *its);
        if (!link)
            return fail(link.error());
        links.push_back(std::move(*link));
    }
    return links;
}

void add_timeout(Parser& parser, AdminFlags& flags) {
    add_duration(parser, "-t,--timeout", flags.timeout,
                 "Longest wait for a daemon's answer [5s]; exit 3")
        .group(daemon_group);
}

} // namespace

void add_admin_endpoint(Parser& parser, AdminFlags& flags) {
    flags.endpoints.resize(1);
    parser.add_option("ENDPOINT", flags.endpoints.front(), "What the daemon was given as --admin")
        .required();
}

void add_admin_endpoints(Parser& parser, AdminFlags& flags) {
    parser.add_option("ENDPOINT", flags.endpoints, "What the daemons were given as --admin")
        .required();
}

void add_admin(Parser& parser, AdminFlags& flags) {
    add_timeout(parser, flags);
    add_client_security(parser, flags.security);
}

void add_admins(Parser& parser, AdminFlags& flags) {
    add_timeout(parser, flags);
    add_clients_security(parser, flags.security, flags.server_keys);
}

void add_token(Parser& parser, AdminFlags& flags) {
    parser
        .add_option(
            "--token-file", flags.token_file,
            "File (mode 0600) with the daemon's admin_token; not needed by a key whose user "
            "may administer")
        .type_name("FILE")
        .group(daemon_group)
        .variable("FLOTILLA_TOKEN_FILE");
}

Result<AdminSession> open_session(const AdminFlags& flags) {
    auto token = read_token(flags);
    if (!token)
        return fail(token.error());
    auto context = net::Context::open();
    if (!context)
        return fail(context.error());
    auto links = open_links(*context, flags);
    if (!links)
        return fail(links.error());
    return AdminSession{std::move(*context), std::move(*links), std::move(*token)};
}

Error with_token_hint(Error error, const AdminFlags& flags) {
    if (error.code == Errc::refused && error.detail.compare(0, 3, "403") == 0 &&
        flags.token_file.empty())
        error.detail += "; name the file of the daemon's admin_token with --token-file";
    return error;
}

} // namespace flotilla::cli
