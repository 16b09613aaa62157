// SPDX-License-Identifier: Apache-2.0
//
// Admin: everything administrators reach of a daemon, in the order of its life.
//
//     auto admin = Admin::open(options, log);      HTTP listens; not ready: starting
//     ... the daemon recovers and binds ...
//     admin->listen(context, security);            the admin endpoint is bound
//     admin->begin();                              who asks waits for the loop
//     admin->attach(poller, daemon);               the loop answers
//     admin->end();                                askers are sent away, threads joined
//
// Without an address or endpoint it is the audit trail alone. One thread, the loop's, but office()
// and audit(), which are safe from all.
#pragma once

#include "admin/audit.hpp"
#include "admin/desk.hpp"
#include "admin/endpoint.hpp"
#include "admin/http_server.hpp"
#include "admin/office.hpp"
#include "host/common_settings.hpp"

#include <flotilla/base/result.hpp>
#include <flotilla/net/poller.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace flotilla::admin {

struct AdminOptions {
    std::string instance{};                  // setting `instance`
    std::optional<net::Endpoint> endpoint{}; // setting `admin`
    std::optional<HttpAddress> http{};       // setting `admin_http`
    std::vector<std::string> hosts{};        // setting `admin_hosts`
    Token token{};                           // in the file `admin_token`

    bool is_on() const noexcept { return endpoint || http; }
};
// `program` is the instance's name by default. Errors: bad_endpoint, bad_option, insecure (HTTP
// beyond this machine without a token), and those of Token::load.
Result<AdminOptions> admin_options(const host::CommonSettings& settings, std::string program);
// For --check-config: those, whether the listener may be where it is with this security, and
// whether both are somewhere else than what the daemon binds. Errors: those of admin_options() and
// host::check_listener(); bad_endpoint (bound twice).
Status check_admin(const host::CommonSettings& settings, const net::Security& security,
                   const std::vector<net::Endpoint>& binds);

class Admin {
public:
    // `log` must outlive it. Nothing is opened when nothing is on. Errors: out_of_files, and those
    // of HttpServer.
    static Result<Admin> open(AdminOptions options, const host::Log& log);
    Admin(Admin&&) noexcept = default;
    Admin& operator=(Admin&&) noexcept = default;
    ~Admin(); // end()

    // Errors: those of Endpoint.
    Status listen(net::Context& context, const net::Security& security);

    void begin() { desk_->begin(); }
    // From now on the poller's turns answer who waits. `administered` must outlive them.
    void attach(net::Poller& poller, Administered& administered);
    void detach(net::Poller& poller);
    void end();

    // Where it listens, ports resolved, by the name of the setting: what of them is on.
    std::vector<std::pair<const char*, std::string>> places() const;
    // These, and where the admin endpoint is bound.
    std::vector<net::Endpoint> and_own(std::vector<net::Endpoint> bound) const;
    const std::string& instance() const noexcept { return options_.instance; }
    Office& office() const noexcept { return *office_; }
    const std::shared_ptr<Audit>& audit() const noexcept { return audit_; }

private:
    Admin(AdminOptions options, const host::Log& log, std::shared_ptr<Desk> desk);

    AdminOptions options_;
    const host::Log* log_;
    std::shared_ptr<Desk> desk_;
    std::shared_ptr<Audit> audit_;
    std::shared_ptr<Office> office_;
    std::optional<HttpServer> http_{};
    std::optional<Endpoint> endpoint_{};
};

} // namespace flotilla::admin
