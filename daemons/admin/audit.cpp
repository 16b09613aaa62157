// SPDX-License-Identifier: Apache-2.0
#include "admin/audit.hpp"

#include <flotilla/net/connection_figures.hpp>
#include <flotilla/net/system.hpp>

#include <nlohmann/json.hpp>

#include <chrono>
#include <optional>
#include <utility>

namespace flotilla::admin {
namespace {

void cut(std::string& text) {
    if (text.size() > Audit::text_bytes_max)
        text.resize(Audit::text_bytes_max);
}

bool is_of_rules(const AuditEntry& entry) {
    return entry.event == "access_refused";
}

host::Fields fields(const AuditEntry& entry, std::uint64_t left_out) {
    // As the metric of rules has it.
    const char* verb = is_of_rules(entry) ? "operation" : "verb";
    host::Fields fields{{"who", entry.who}, {verb, entry.verb}};
    if (!entry.object.empty())
        fields.emplace_back("object", entry.object);
    if (!entry.address.empty())
        fields.emplace_back("address", entry.address);
    fields.emplace_back("code", entry.code);
    if (!entry.relay.empty())
        fields.emplace_back("relay", entry.relay);
    if (!entry.why.empty())
        fields.emplace_back("why", entry.why);
    if (left_out > 0)
        fields.emplace_back("left_out", left_out);
    return fields;
}

nlohmann::ordered_json shown(const AuditEntry& entry) {
    nlohmann::ordered_json json{{"at_ms", entry.at_ms},   {"event", entry.event},
                                {"who", entry.who},       {"verb", entry.verb},
                                {"object", entry.object}, {"address", entry.address},
                                {"code", entry.code},     {"why", entry.why}};
    if (!entry.relay.empty())
        json["relay"] = entry.relay;
    return json;
}

} // namespace

void Audit::keep(std::deque<AuditEntry>& entries, AuditEntry entry) {
    entry.number = ++last_number_;
    entries.push_front(std::move(entry));
    if (entries.size() > kept_max)
        entries.pop_back();
}

void Audit::changed(AuditEntry entry) {
    entry.at_ms = whole_ms(net::wall_now().time_since_epoch());
    entry.event = "admin_done";
    for (std::string* text : {&entry.who, &entry.verb, &entry.object, &entry.address, &entry.why})
        cut(*text);
    log_.info(entry.event, fields(entry, 0));
    const std::lock_guard lock(mutex_);
    ++changed_total_;
    keep(changes_, std::move(entry));
}

void Audit::refused(AuditEntry entry) {
    entry.at_ms = whole_ms(net::wall_now().time_since_epoch());
    if (entry.event.empty())
        entry.event = "admin_refused";
    for (std::string* text : {&entry.who, &entry.verb, &entry.object, &entry.address, &entry.why})
        cut(*text);
    std::optional<std::uint64_t> left_out;
    const AuditEntry logged = entry;
    {
        const std::lock_guard lock(mutex_);
        ++refused_total_;
        left_out = (is_of_rules(entry) ? by_rules_logged_ : orders_logged_).pass(net::now());
        keep(refusals_, std::move(entry));
    }
    if (left_out)
        log_.warning(logged.event, fields(logged, *left_out));
}

std::uint64_t Audit::changed_total() const {
    const std::lock_guard lock(mutex_);
    return changed_total_;
}

std::uint64_t Audit::refused_total() const {
    const std::lock_guard lock(mutex_);
    return refused_total_;
}

std::string Audit::json(std::size_t rows_max) const {
    nlohmann::ordered_json entries = nlohmann::ordered_json::array();
    const std::lock_guard lock(mutex_);
    auto change = changes_.begin();
    auto refusal = refusals_.begin();
    while (entries.size() < rows_max) {
        const bool has_change = change != changes_.end();
        const bool has_refusal = refusal != refusals_.end();
        if (!has_change && !has_refusal)
            break;
        const bool takes_change = has_change && (!has_refusal || change->number > refusal->number);
        entries.push_back(shown(takes_change ? *change++ : *refusal++));
    }
    return nlohmann::ordered_json{{"entries", std::move(entries)}}.dump(
        -1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

AuditEntry entry_about(std::string_view user, std::string_view user_id, int descriptor) {
    constexpr std::size_t key_shown = 8; // as fingerprints have
    AuditEntry entry;
    entry.who = user.empty() ? user_id.substr(0, key_shown) : user;
    entry.address = net::peer_text(descriptor);
    return entry;
}

void note(Audit& audit, const Refusal& refusal, std::string relay) {
    AuditEntry entry = entry_about(refusal.user, refusal.user_id, refusal.descriptor);
    entry.event = "access_refused";
    entry.verb = name(refusal.operation);
    entry.object = refusal.object;
    entry.code = 403;
    entry.relay = std::move(relay);
    if (refusal.user.empty() && !refusal.user_id.empty())
        entry.why = "this key is of nobody any more: it was revoked, or left the list";
    audit.refused(std::move(entry));
}

} // namespace flotilla::admin
