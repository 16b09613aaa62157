// SPDX-License-Identifier: Apache-2.0
// From settings to what a relay runs with, keys included.
#include "admin/admin.hpp"
#include "host/listener.hpp"
#include "host/security_refusals.hpp"
#include "relay/access.hpp"
#include "relay/settings.hpp"
#include "relay/sides.hpp"

#include <flotilla/net/access.hpp>
#include <flotilla/net/curve.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace flotilla::relay_daemon {
namespace {

using relay::RelayOptions;
using relay::SideOptions;

// Certificates and lists of one relay, read once.
struct Keys {
    std::optional<net::CurveKeyPair> own{};
    std::optional<net::CurveClients> clients{};
    std::vector<net::CurveKey> servers{}; // none, one for both sides, or frontend's and backend's
};

// A key as text, or the certificate file that holds it.
Result<net::CurveKey> key_or_file(const std::string& text) {
    if (auto key = net::CurveKey::parse(text))
        return key;
    auto key = net::load_public_key(text);
    if (!key && key.error().code == Errc::not_found)
        return fail(Errc::bad_key, host::setting_name("server_key") +
                                       ": neither a key (40 characters of Z85) nor a certificate "
                                       "file that can be found");
    return key ? std::move(key) : fail(host::about_setting("server_key", key.error()));
}

Status load_clients(const RelaySettings& settings, Keys& keys) {
    const bool any = settings.allow_any_client_key.value_or(false);
    if (!any && !settings.allow_client_keys)
        return {};
    if (any && settings.allow_client_keys)
        return fail(host::contradicting_clients());
    if (!settings.curve_key)
        return fail(host::no_own_key(any ? "allow_any_client_key" : "allow_client_keys"));
    if (any) {
        keys.clients = net::AnyClientKey{};
        return {};
    }
    auto list = net::load_allow_list(*settings.allow_client_keys);
    if (!list)
        return fail(host::about_setting("allow_client_keys", list.error()));
    keys.clients = std::move(*list);
    return {};
}

Result<Keys> load_keys(const RelaySettings& settings) {
    Keys keys;
    if (settings.curve_key) {
        auto own = net::load_key_pair(*settings.curve_key);
        if (!own)
            return fail(host::about_setting("curve_key", own.error()));
        keys.own = std::move(*own);
    }
    if (const Status loaded = load_clients(settings, keys); !loaded)
        return fail(loaded.error());
    const auto texts = settings.server_key.value_or(std::vector<std::string>{});
    if (texts.size() > 2)
        return fail(Errc::bad_option, host::setting_name("server_key") + " has " +
                                          std::to_string(texts.size()) +
                                          " server keys; at most two, the frontend's and then the "
                                          "backend's");
    for (const std::string& text : texts) {
        auto key = key_or_file(text);
        if (!key)
            return fail(key.error());
        keys.servers.push_back(std::move(*key));
    }
    return keys;
}

bool connects(const SideOptions& side) {
    return std::any_of(
        side.attachments.begin(), side.attachments.end(),
        [](const net::Attachment& each) { return each.how == net::Attach::connect; });
}

// What a side is to its peers. A side that connects believes one server; a side that binds judges
// its clients; without the keys for it, or not among curve_sides, it is plaintext.
Result<net::Security> security(const RelaySettings& settings, const Keys& keys,
                               std::string_view name, const SideOptions& side) {
    const auto& sides = settings.curve_sides;
    const bool encrypted = !sides || std::find(sides->begin(), sides->end(), name) != sides->end();
    using Where = net::Plaintext::Where;
    const net::Security plain = net::Plaintext{
        settings.allow_plaintext.value_or(false) ? Where::anywhere : Where::local_only};
    if (!encrypted)
        return plain;
    const std::string who = host::setting_name(std::string(name));
    if (connects(side)) {
        if (keys.servers.empty() && keys.own)
            return fail(Errc::bad_option,
                        who + " connects, so with CURVE it needs the key of its server; add " +
                            host::setting_name("server_key") + ", or say " +
                            host::setting_name("curve_sides") + " without " + std::string(name));
        if (keys.servers.empty())
            return plain;
        // A client that has no key of its own gets one for this run.
        auto own = keys.own ? Result<net::CurveKeyPair>{*keys.own} : net::generate_key_pair();
        if (!own)
            return fail(own.error());
        const bool second = name == "backend" && keys.servers.size() == 2;
        return net::Security{net::CurveClient{*own, keys.servers[second ? 1 : 0]}};
    }
    if (keys.own && !keys.clients)
        return fail(
            host::no_client_keys(who + " is bound with " + host::setting_name("curve_key")));
    if (!keys.own)
        return plain;
    return net::Security{net::CurveServer{*keys.own, *keys.clients}};
}

Status check_given(std::string_view name, const SideOptions& side) {
    if (!side.attachments.empty())
        return {};
    return fail(Errc::bad_option, "no " + std::string(name) + " endpoint; say " +
                                      host::setting_name(std::string(name)) +
                                      " tcp://127.0.0.1:PORT");
}

Status check_curve_sides(const RelaySettings& settings) {
    static const std::set<std::string> known{"frontend", "backend", "capture"};
    for (const std::string& each : settings.curve_sides.value_or(std::vector<std::string>{}))
        if (known.count(each) == 0)
            return fail(Errc::bad_option,
                        host::setting_name("curve_sides") + ": '" + each +
                            "' is no side; it is one of frontend, backend, capture");
    return {};
}

template <class Field>
void set(Field& field, const std::optional<std::uint64_t>& given) {
    if (given)
        field = static_cast<Field>(*given);
}

Result<RelayOptions> options_of(const RelaySettings& settings) {
    RelayOptions options;
    options.kind = settings.kind.value_or(relay::Kind::forwarder);
    options.name = settings.name.value_or(options.name);
    options.frontend.attachments = settings.frontend.value_or(std::vector<net::Attachment>{});
    options.backend.attachments = settings.backend.value_or(std::vector<net::Attachment>{});
    options.overflow = settings.overflow.value_or(options.overflow);
    if (settings.last_value.value_or(false)) {
        options.last_value.emplace();
        options.last_value->topics_max = static_cast<std::size_t>(settings.topics_max());
        set(options.last_value->bytes_max, settings.last_value_bytes);
    }
    if (settings.hwm)
        options.messages_max = static_cast<std::uint32_t>(*settings.hwm);
    set(options.capture_messages_max, settings.capture_hwm);
    set(options.frame_bytes_max, settings.frame_bytes_max);
    set(options.message_bytes_max, settings.message_bytes_max);
    set(options.frames_max, settings.frames_max);
    set(options.subscriptions_bytes_max, settings.subscriptions_bytes_max);
    if (settings.capture) {
        options.capture.emplace();
        options.capture->attachments = *settings.capture;
    }

    if (const Status known = check_curve_sides(settings); !known)
        return fail(known.error());
    const auto keys = load_keys(settings);
    if (!keys)
        return fail(keys.error());
    for (const auto& [name, side] : sides(options)) {
        if (const Status given = check_given(name, *side); !given)
            return fail(given.error());
        auto made = security(settings, *keys, name, *side);
        if (!made)
            return fail(made.error());
        side->security = std::move(*made);
        // Said here, and not by the plan, which knows no flags.
        for (const net::Attachment& each : side->attachments)
            if (const Status good =
                    host::check_reach(std::string(name), each.endpoint, side->security);
                !good)
                return fail(good.error());
    }
    return options;
}

// With where in the file the relay stands, if in one.
auto placed(const RelaySettings& settings, Error error) {
    if (!settings.where.empty())
        error.detail = settings.where + ": " + error.detail;
    return fail(std::move(error));
}

} // namespace

Result<RelayOptions> make_options(const RelaySettings& settings) {
    const auto named = [&](Error error) {
        error.detail =
            "relay '" + settings.name.value_or(RelayOptions{}.name) + "': " + error.detail;
        return placed(settings, std::move(error));
    };
    if (!settings.kind)
        return named({Errc::bad_option, "no kind; it is forwarder, queue or streamer, the first "
                                        "word of the command or kind = \"...\" in the file"});
    auto options = options_of(settings);
    if (!options)
        return named(options.error());
    if (const auto plan = relay::Plan::make(*options); !plan)
        return placed(settings, plan.error());
    return options;
}

namespace {

struct Bound {
    net::Endpoint endpoint;
    std::string relay; // by which
};

// Within one relay the plan sees to it.
Status note_bound(const RelayOptions& options, std::vector<Bound>& bound) {
    for (const auto& [name, side] : sides(options))
        for (const net::Attachment& each : side->attachments) {
            if (each.how != net::Attach::bind)
                continue;
            for (const Bound& other : bound)
                if (other.relay != options.name && net::is_one_place(each.endpoint, other.endpoint))
                    return fail(Errc::bad_endpoint,
                                net::bound_twice(each.endpoint, other.endpoint) + ", by relay '" +
                                    other.relay + "' and relay '" + options.name + "'");
            bound.push_back({each.endpoint, options.name});
        }
    return {};
}

} // namespace

Result<std::vector<RelayOptions>> make_options(const DaemonSettings& settings) {
    if (settings.relays.empty())
        return fail(Errc::bad_option, "nothing to relay; say KIND --frontend EP --backend EP, or "
                                      "--config FILE with [[relay]] tables");
    std::vector<RelayOptions> all;
    std::set<std::string> names;
    std::vector<Bound> bound;
    std::optional<net::Security> admin_security; // of the first relay, as Service does
    const DaemonSettings in_use = in_effect(settings);
    for (const RelaySettings& each : in_use.relays) {
        auto options = make_options(each);
        if (!options)
            return fail(options.error());
        if (!names.insert(options->name).second)
            return placed(each, {Errc::bad_option,
                                 "two relays are named '" + options->name +
                                     "', and logs and captures could not tell them apart; give "
                                     "each [[relay]] a name of its own"});
        if (const Status alone = note_bound(*options, bound); !alone)
            return placed(each, alone.error());
        auto guarded = *options; // whether the files are right; they are read again to keep them
        if (const auto access = put_access(guarded, access_settings(in_use, each, guarded));
            !access)
            return placed(each, {access.error().code,
                                 "relay '" + options->name + "': " + access.error().detail});
        else if (!admin_security)
            admin_security = access->admin_security();
        if (const std::string instance = host::hop_instance(in_use); !instance.empty())
            options->hop_instance = instance + "/" + options->name;
        all.push_back(std::move(*options));
    }
    std::vector<net::Endpoint> binds;
    for (const Bound& each : bound)
        binds.push_back(each.endpoint);
    if (const Status admin = admin::check_admin(settings, *admin_security, binds); !admin)
        return fail(admin.error());
    return all;
}

} // namespace flotilla::relay_daemon
