// SPDX-License-Identifier: Apache-2.0
#include "admin/admin.hpp"

#include "admin/http_routes.hpp"
#include "host/listener.hpp"
#include "host/setting_name.hpp"

#include <algorithm>
#include <utility>

namespace flotilla::admin {
namespace {

std::vector<std::string> words(const std::string& text) {
    std::vector<std::string> all;
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t comma = std::min(text.find(',', begin), text.size());
        if (comma > begin)
            all.push_back(text.substr(begin, comma - begin));
        begin = comma + 1;
    }
    return all;
}

Office::Options office_options(const AdminOptions& options) {
    const bool is_local = !options.http || options.http->is_loopback;
    return {options.instance, options.token,
            is_local ? Office::Reading::open : Office::Reading::by_token};
}

} // namespace

Result<AdminOptions> admin_options(const host::CommonSettings& settings, std::string program) {
    AdminOptions options;
    options.instance = settings.instance.value_or(std::move(program));
    if (settings.admin) {
        auto endpoint = net::Endpoint::parse(*settings.admin);
        if (!endpoint)
            return fail(host::about_setting("admin", endpoint.error()));
        options.endpoint = std::move(*endpoint);
    }
    if (settings.admin_token) {
        auto token = Token::load(*settings.admin_token);
        if (!token)
            return fail(host::about_setting("admin_token", token.error()));
        options.token = std::move(*token);
    }
    if (settings.admin_http) {
        auto address = parse_http_address(*settings.admin_http);
        if (!address)
            return fail(host::about_setting("admin_http", address.error()));
        if (!address->is_loopback && !options.token.is_set())
            return fail(Errc::insecure, host::setting_name("admin_http") + " " + address->text() +
                                            " is open beyond this machine; add " +
                                            host::setting_name("admin_token") +
                                            " FILE, or listen on 127.0.0.1");
        options.http = std::move(*address);
    }
    if (settings.admin_hosts)
        options.hosts = words(*settings.admin_hosts);
    return options;
}

Status check_admin(const host::CommonSettings& settings, const net::Security& security,
                   const std::vector<net::Endpoint>& binds) {
    const auto options = admin_options(settings, {});
    if (!options)
        return fail(options.error());
    std::vector<net::Endpoint> bound = binds;
    const auto claim = [&bound](const char* setting, const net::Endpoint& endpoint) -> Status {
        for (const net::Endpoint& other : bound)
            if (net::is_one_place(endpoint, other))
                return fail(Errc::bad_endpoint,
                            host::setting_name(setting) + ": " + net::bound_twice(endpoint, other));
        bound.push_back(endpoint);
        return {};
    };
    if (options->endpoint) {
        if (Status good = host::check_listener("admin", *options->endpoint, security); !good)
            return good;
        if (Status free = claim("admin", *options->endpoint); !free)
            return free;
    }
    if (options->http)
        if (const auto endpoint = net::Endpoint::parse("tcp://" + options->http->text()))
            return claim("admin_http", *endpoint);
    return {};
}

Admin::Admin(AdminOptions options, const host::Log& log, std::shared_ptr<Desk> desk)
    : options_(std::move(options)), log_(&log), desk_(std::move(desk)),
      audit_(std::make_shared<Audit>(log)),
      office_(std::make_shared<Office>(desk_, audit_, office_options(options_))) {}

Result<Admin> Admin::open(AdminOptions options, const host::Log& log) {
    auto desk = Desk::open();
    if (!desk)
        return fail(desk.error());
    Admin admin{std::move(options), log, std::move(*desk)};
    if (!admin.options_.http)
        return admin;
    auto http = HttpServer::open(
        *admin.options_.http, admin.options_.hosts,
        [office = admin.office_](const HttpRequest& request) { return answer(*office, request); });
    if (!http)
        return fail(host::about_setting("admin_http", http.error()));
    log.info("admin_listening", {{"address", http->address().text()}});
    admin.http_ = std::move(*http);
    return admin;
}

Admin::~Admin() {
    if (desk_)
        end();
}

Status Admin::listen(net::Context& context, const net::Security& security) {
    if (!options_.endpoint)
        return {};
    Endpoint::Options wanted{*options_.endpoint, security};
    wanted.on_unread = [log = log_](const std::string& address) {
        log->warning("admin_reader_cut",
                     {{"address", address},
                      {"why", "it asked for more than it read, and had most of all answers that "
                              "wait to be read"}});
    };
    auto endpoint = Endpoint::open(context, std::move(wanted), office_);
    if (!endpoint)
        return fail(host::about_setting("admin", endpoint.error()));
    log_->info("admin_listening", {{"endpoint", endpoint->bound().text()}});
    endpoint_ = std::move(*endpoint);
    return {};
}

void Admin::end() {
    desk_->close();
    if (endpoint_)
        endpoint_->stop();
    endpoint_.reset();
    http_.reset();
}

void Admin::attach(net::Poller& poller, Administered& administered) {
    poller.on_readable(desk_->fd(), [this, &administered] { desk_->work(administered); });
}

void Admin::detach(net::Poller& poller) {
    poller.forget(desk_->fd());
}

std::vector<net::Endpoint> Admin::and_own(std::vector<net::Endpoint> bound) const {
    if (endpoint_)
        bound.push_back(endpoint_->bound());
    return bound;
}

std::vector<std::pair<const char*, std::string>> Admin::places() const {
    std::vector<std::pair<const char*, std::string>> all;
    if (http_)
        all.emplace_back("admin_http", http_->address().text());
    if (endpoint_)
        all.emplace_back("admin", endpoint_->bound().text());
    return all;
}

} // namespace flotilla::admin
