// SPDX-License-Identifier: Apache-2.0
#include "admin/office.hpp"

#include "admin/common.hpp"
#include "admin/exposition.hpp"

#include <flotilla/base/units.hpp>
#include <flotilla/net/system.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace flotilla::admin {
namespace {

constexpr std::array<std::string_view, 7> changing_verbs{"purge",  "redrive", "kick",  "pause",
                                                         "resume", "drain",   "reload"};

bool changes(std::string_view verb) {
    return std::find(changing_verbs.begin(), changing_verbs.end(), verb) != changing_verbs.end();
}

Answer refusal(std::uint16_t code, std::string_view error, std::string_view why) {
    return {code, error_json(error, why)};
}

Answer malformed(const Error& error) {
    return refusal(400, name(error.code), error.detail);
}

// Of the desk.
// Perhaps the loop only answers others.
bool is_busy(const Error& error) {
    return error.code == Errc::timeout || error.code == Errc::too_many;
}

Answer unavailable(const Error& error) {
    return refusal(503, name(error.code), error.detail);
}

std::string text(const Arguments& arguments, std::string_view key) {
    const auto found = arguments.find(key);
    return found == arguments.end() ? std::string{} : found->second;
}

Result<std::uint32_t> rows(const Arguments& arguments, std::uint32_t otherwise) {
    const std::string given = text(arguments, "rows");
    if (given.empty())
        return otherwise;
    const auto count = parse_count(given, 0, Office::rows_max);
    if (!count)
        return fail(Errc::bad_option, "rows: " + count.error().detail);
    return static_cast<std::uint32_t>(*count);
}

Result<Wanted> wanted(const Arguments& arguments) {
    Wanted wanted;
    wanted.kind = text(arguments, "kind");
    wanted.prefix = text(arguments, "prefix");
    wanted.after = text(arguments, "after");
    const auto count = rows(arguments, wanted.rows_max);
    if (!count)
        return fail(count.error());
    wanted.rows_max = *count;
    return wanted;
}

// What is acted upon, for the audit line.
std::string object_of(const Arguments& arguments) {
    for (const char* key : {"queue", "relay", "object", "service", "worker"})
        if (const std::string named = text(arguments, key); !named.empty())
            return named;
    return {};
}

} // namespace

Office::Office(std::shared_ptr<Desk> desk, std::shared_ptr<Audit> audit, Options options)
    : desk_(std::move(desk)), audit_(std::move(audit)), options_(std::move(options)) {}

void Office::set_permissions(std::shared_ptr<const Permissions> permissions) {
    const std::lock_guard lock(mutex_);
    permissions_ = std::move(permissions);
}

bool Office::set_token(Token token) {
    const std::lock_guard lock(mutex_);
    const bool is_other = token != options_.token;
    options_.token = std::move(token);
    return is_other;
}

Office::Judged Office::judge(const Request& request, Right right) const {
    const std::lock_guard lock(mutex_);
    Judged judged;
    if (!request.token.empty() && options_.token.fits(request.token))
        return {"token", {}};
    if (request.user_id) {
        const auto user = permissions_->user_of(*request.user_id);
        if (!user)
            return {"", refusal(403, "not_allowed", "this key was revoked")};
        judged.who = *user;
    }
    const bool is_needed = right == Right::administer ||
                           (!request.user_id && options_.http_reading == Reading::by_token);
    if (!request.token.empty())
        judged.refusal = refusal(request.user_id ? 403 : 401, "not_allowed", "the token is wrong");
    else if (!is_needed)
        return judged;
    else if (!request.user_id)
        judged.refusal =
            refusal(401, "not_allowed",
                    options_.token.is_set() ? "this needs the token: Authorization: Bearer TOKEN"
                                            : "this needs a token, and no admin_token is set");
    else if (Status may =
                 permissions_->check(*request.user_id, Operation::administer, options_.instance);
             !may)
        judged.refusal = refusal(403, "not_allowed", may.error().detail);
    return judged;
}

Answer Office::refuse(const Request& request, Answer refusal, const std::string& who) {
    audit_->refused({0, 0, "", who, request.verb, object_of(request.arguments), request.address,
                     refusal.code, nlohmann::json::parse(refusal.json).value("why", "")});
    return refusal;
}

// Who comes in a rest of the loop is answered after it.
static_assert(2 * Desk::rest_max <= Office::wait_max);

Result<Snapshot> Office::look(Wanted wanted) {
    auto snapshot = desk_->ask(std::move(wanted), wait_max);
    if (!snapshot)
        return snapshot;
    add_common(*snapshot, {audit_->changed_total(), audit_->refused_total()});
    const std::lock_guard lock(mutex_);
    health_.state = snapshot->state;
    health_.not_ready = snapshot->not_ready;
    health_at_ = net::now();
    return snapshot;
}

Result<Snapshot> Office::look_at_health() {
    Wanted totals;
    totals.rows_max = 0;
    auto snapshot = look(std::move(totals));
    if (snapshot || !is_busy(snapshot.error()))
        return snapshot;
    const std::lock_guard lock(mutex_);
    if (!health_at_ || net::now() - *health_at_ >= options_.health_age_max)
        return snapshot;
    return health_;
}

Answer Office::health() {
    const auto snapshot = look_at_health();
    if (snapshot)
        return {static_cast<std::uint16_t>(
                    snapshot->state == State::ready && snapshot->not_ready.empty() ? 200 : 503),
                health_json(*snapshot)};
    if (is_busy(snapshot.error()))
        return unavailable(snapshot.error());
    Snapshot none;
    none.state = snapshot.error().code == Errc::no_peer ? State::starting : State::stopped;
    none.not_ready.push_back(snapshot.error().detail);
    return {503, health_json(none)};
}

Answer Office::liveness() {
    const auto snapshot = look_at_health();
    if (snapshot)
        return {200, health_json(*snapshot)};
    if (snapshot.error().code == Errc::no_peer)
        return {200, R"({"state":"starting"})"};
    return unavailable(snapshot.error());
}

Answer Office::status(const Request& request) {
    auto rows = wanted(request.arguments);
    if (!rows)
        return malformed(rows.error());
    const auto snapshot = look(std::move(*rows));
    if (!snapshot)
        return unavailable(snapshot.error());
    return {200, status_json(*snapshot)};
}

Office::Text Office::metrics(const Request& request) {
    const Judged judged = judge(request, Right::read);
    if (judged.refusal) {
        Answer refused = refuse(request, *judged.refusal, judged.who);
        return {refused.code, std::move(refused.json)};
    }
    auto rows = wanted(request.arguments);
    if (!rows)
        return {400, malformed(rows.error()).json};
    const std::string kind = rows->kind;
    if (kind.empty())
        rows->rows_max = 0;
    const auto snapshot = look(std::move(*rows));
    if (!snapshot)
        return {503, unavailable(snapshot.error()).json};
    if (kind.empty())
        return {200, totals_text(*snapshot)};
    const auto table = std::find_if(snapshot->objects.begin(), snapshot->objects.end(),
                                    [&](const Table& each) { return each.kind == kind; });
    if (table == snapshot->objects.end())
        return {404, error_json("not_found", "there are no objects of this kind here")};
    if (!table->has_metrics())
        return {404, error_json("not_found", "objects of this kind come and go, and have no "
                                             "metrics of their own; status shows them")};
    return {200, objects_text(*snapshot, kind)};
}

Answer Office::order(const Request& request, const std::string& who) {
    Order order{request.verb, request.arguments, who};
    order.arguments.erase("token");
    auto answered = desk_->ask(std::move(order), wait_max);
    Answer answer = answered ? std::move(*answered) : unavailable(answered.error());
    if (!changes(request.verb))
        return answer;
    AuditEntry entry;
    entry.who = who;
    entry.verb = request.verb;
    entry.object = object_of(request.arguments);
    entry.address = request.address;
    entry.code = answer.code;
    if (answer.code == 200)
        audit_->changed(std::move(entry));
    else
        return refuse(request, std::move(answer), who);
    return answer;
}

Answer Office::answer(const Request& request) {
    if (request.verb == "metrics") {
        Text page = metrics(request);
        if (page.code == 200)
            page.text = nlohmann::json{{"text", std::move(page.text)}}.dump();
        return {page.code, std::move(page.text)};
    }
    if (request.verb == "health")
        return health(); // for whoever asks: balancers have no token
    const bool is_guarded =
        changes(request.verb) || request.verb == "message" || request.verb == "audit";
    const Judged judged = judge(request, is_guarded ? Right::administer : Right::read);
    if (judged.refusal)
        return refuse(request, *judged.refusal, judged.who);
    if (request.verb == "status")
        return status(request);
    if (request.verb == "audit") {
        const auto count = rows(request.arguments, 100);
        if (!count)
            return malformed(count.error());
        return {200, audit_->json(*count)};
    }
    return order(request, judged.who);
}

} // namespace flotilla::admin
