// SPDX-License-Identifier: Apache-2.0
#include "relay/settings.hpp"

#include "host/setting_file.hpp"
#include "host/settings_text.hpp"

#include <flotilla/base/units.hpp>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>
#include <tuple>
#include <utility>

namespace flotilla::relay_daemon {
namespace {

// Every field, so that "is anything given" and "one over the other" forget none.
template <class Settings>
auto fields(Settings& s) {
    return std::tie(s.kind, s.name, s.frontend, s.backend, s.capture, s.overflow, s.last_value,
                    s.last_value_topics, s.last_value_bytes, s.hwm, s.capture_hwm,
                    s.frame_bytes_max, s.message_bytes_max, s.frames_max, s.subscriptions_bytes_max,
                    s.curve_key, s.allow_client_keys, s.allow_any_client_key, s.server_key,
                    s.curve_sides, s.allow_plaintext);
}

template <class Field>
void take_over(Field& over, Field& under) {
    if (!over)
        over = std::move(under);
}

template <std::size_t... i>
void lay_fields_over(RelaySettings& over, RelaySettings& under, std::index_sequence<i...>) {
    auto above = fields(over);
    auto below = fields(under);
    (take_over(std::get<i>(above), std::get<i>(below)), ...);
}

// Reads one table, and refuses at the key's place what this program finds wrong with its value.
class TableReader {
public:
    TableReader(SettingsTable table, std::filesystem::path folder)
        : table_(std::move(table)), folder_(std::move(folder)) {}

    SettingsTable& table() { return table_; }

    std::optional<std::vector<net::Attachment>> attachments(const char* key) {
        const auto texts = table_.texts(key);
        return texts ? accept(key, parse_attachments(*texts)) : std::nullopt;
    }
    std::optional<relay::Overflow> overflow(const char* key) {
        const auto text = table_.text(key);
        return text ? accept(key, relay::parse_overflow(*text)) : std::nullopt;
    }
    std::optional<relay::Kind> kind(const char* key) {
        const auto text = table_.choice(key, {"forwarder", "queue", "streamer"});
        return text ? relay::kind_named(*text) : std::nullopt;
    }
    std::optional<std::string> path(const char* key) {
        auto text = table_.text(key);
        return text ? std::optional{from_folder(*text)} : std::nullopt;
    }
    std::optional<std::vector<std::string>> keys(const char* key) {
        auto texts = table_.texts(key);
        if (texts)
            for (std::string& each : *texts)
                if (!net::CurveKey::parse(each))
                    each = from_folder(each);
        return texts;
    }

private:
    std::string from_folder(const std::string& path) const { return (folder_ / path).string(); }
    template <class Value>
    std::optional<Value> accept(const char* key, Result<Value> value) {
        if (value)
            return std::move(*value);
        table_.refuse(key, "'" + std::string(key) + "': " + value.error().detail);
        return std::nullopt;
    }

    SettingsTable table_;
    std::filesystem::path folder_;
};

RelaySettings read_relay(TableReader in) {
    SettingsTable& table = in.table();
    RelaySettings relay;
    relay.where = table.where();
    relay.kind = in.kind("kind");
    relay.name = table.text("name");
    relay.frontend = in.attachments("frontend");
    relay.backend = in.attachments("backend");
    relay.capture = in.attachments("capture");
    relay.overflow = in.overflow("overflow");
    relay.last_value = table.flag("last_value");
    relay.last_value_topics = table.count("last_value_topics", 1, 10'000'000);
    relay.last_value_bytes = table.bytes("last_value_bytes");
    relay.hwm = table.count("hwm", 1, 1'000'000);
    relay.capture_hwm = table.count("capture_hwm", 1, 1'000'000);
    relay.frame_bytes_max = table.bytes("frame_bytes_max");
    relay.message_bytes_max = table.bytes("message_bytes_max");
    relay.frames_max = table.count("frames_max", 1, 1024);
    relay.subscriptions_bytes_max = table.bytes("subscriptions_bytes_max");
    relay.curve_key = in.path("curve_key");
    relay.allow_client_keys = in.path("allow_client_keys");
    relay.allow_any_client_key = table.flag("allow_any_client_key");
    relay.server_key = in.keys("server_key");
    relay.curve_sides = table.texts("curve_sides");
    relay.allow_plaintext = table.flag("allow_plaintext");
    return relay;
}

} // namespace

std::uint64_t RelaySettings::topics_max() const {
    const std::uint64_t standard = relay::LastValueLimits{}.topics_max;
    return last_value_topics.value_or(hwm ? std::min(standard, *hwm) : standard);
}

bool RelaySettings::empty() const {
    return std::apply([](const auto&... field) { return (!field.has_value() && ...); },
                      fields(*this));
}

Result<std::vector<net::Attachment>> parse_attachments(const std::vector<std::string>& texts) {
    std::vector<net::Attachment> all;
    for (const std::string& text : texts) {
        auto attachment = net::parse_attachment(text, net::AttachRule::bind);
        if (!attachment)
            return fail(attachment.error());
        all.push_back(std::move(*attachment));
    }
    return all;
}

Result<DaemonSettings> parse_settings(std::string_view text, const std::string& file) {
    auto parsed = Settings::parse(text, file);
    if (!parsed)
        return fail(parsed.error());
    const std::filesystem::path folder = std::filesystem::path(file).parent_path();
    SettingsTable root = parsed->root();
    DaemonSettings settings;
    host::SettingReader in(root, folder);
    host::for_each_common_setting<DaemonSettings>(host::reading(in, settings));
    for (SettingsTable& table : root.tables("relay"))
        settings.relays.push_back(read_relay({table, folder}));
    if (settings.relays.empty())
        for (const char* key : {"name", "kind", "frontend", "backend"})
            if (root.any(key))
                root.refuse(key, "'" + std::string(key) +
                                     "' belongs to a relay: write it below a line [[relay]]");
    if (settings.relays.size() > relays_max)
        root.refuse("relay", std::to_string(settings.relays.size()) + " relays; at most " +
                                 std::to_string(relays_max) + " in one process");
    host::refuse_access_tables(root);
    if (const Status done = parsed->finish(); !done)
        return fail(done.error());
    return settings;
}

Result<DaemonSettings> lay_over(DaemonSettings flags, DaemonSettings file) {
    host::for_each_common_setting<DaemonSettings>(host::laying(flags, file));
    if (flags.relays.empty() || flags.relays.front().empty()) {
        flags.relays = std::move(file.relays);
        return flags;
    }
    if (file.relays.size() > 1)
        return fail(Errc::bad_option,
                    "the settings file has " + std::to_string(file.relays.size()) +
                        " relays, so flags and variables cannot say which one they are about; "
                        "change the file instead");
    constexpr auto count = std::tuple_size_v<decltype(fields(std::declval<RelaySettings&>()))>;
    for (RelaySettings& under : file.relays) {
        flags.relays.front().where = std::move(under.where);
        lay_fields_over(flags.relays.front(), under, std::make_index_sequence<count>{});
    }
    return flags;
}

DaemonSettings in_effect(DaemonSettings settings) {
    host::add_common_defaults(settings, program_name);
    for (RelaySettings& each : settings.relays) {
        const bool says_who = each.allow_client_keys || each.allow_any_client_key.value_or(false);
        if (!says_who) {
            each.allow_client_keys = settings.allow_client_keys;
            each.allow_any_client_key = settings.allow_any_client_key;
        }
        if (!each.curve_key)
            each.curve_key = settings.curve_key;
        if (!each.allow_plaintext)
            each.allow_plaintext = settings.allow_plaintext;
    }
    return settings;
}

namespace {

using host::toml_text;

void attachments(std::string& out, std::string_view key,
                 const std::optional<std::vector<net::Attachment>>& given) {
    if (!given)
        return;
    std::vector<std::string> texts;
    for (const net::Attachment& each : *given)
        texts.push_back((each.how == net::Attach::bind ? "@" : ">") + each.endpoint.text());
    host::toml_list(out, key, texts);
}

std::string format_relay(const RelaySettings& relay) {
    const relay::RelayOptions standard;
    const relay::LastValueLimits remembered;
    std::string out = "\n[[relay]]\n";
    host::toml_line(out, "name", toml_text(relay.name.value_or(standard.name)));
    if (relay.kind)
        host::toml_line(out, "kind", toml_text(name(*relay.kind)));
    attachments(out, "frontend", relay.frontend);
    attachments(out, "backend", relay.backend);
    attachments(out, "capture", relay.capture);
    if (relay.kind.value_or(relay::Kind::forwarder) == relay::Kind::forwarder) {
        host::toml_line(out, "overflow",
                        toml_text(format_overflow(relay.overflow.value_or(standard.overflow))));
        host::toml_line(out, "last_value", host::toml_flag(relay.last_value.value_or(false)));
        host::toml_line(out, "last_value_topics", std::to_string(relay.topics_max()));
        host::toml_line(
            out, "last_value_bytes",
            toml_text(format_bytes(relay.last_value_bytes.value_or(remembered.bytes_max))));
    }
    if (relay.hwm)
        host::toml_line(out, "hwm", std::to_string(*relay.hwm));
    host::toml_line(out, "capture_hwm",
                    std::to_string(relay.capture_hwm.value_or(standard.capture_messages_max)));
    host::toml_line(
        out, "frame_bytes_max",
        toml_text(format_bytes(relay.frame_bytes_max.value_or(standard.frame_bytes_max))));
    host::toml_line(
        out, "message_bytes_max",
        toml_text(format_bytes(relay.message_bytes_max.value_or(standard.message_bytes_max))));
    host::toml_line(out, "frames_max",
                    std::to_string(relay.frames_max.value_or(standard.frames_max)));
    host::toml_line(out, "subscriptions_bytes_max",
                    toml_text(format_bytes(
                        relay.subscriptions_bytes_max.value_or(standard.subscriptions_bytes_max))));
    if (relay.curve_key)
        host::toml_line(out, "curve_key", toml_text(host::shown_path(*relay.curve_key)));
    if (relay.allow_client_keys)
        host::toml_line(out, "allow_client_keys", toml_text(*relay.allow_client_keys));
    host::toml_line(out, "allow_any_client_key",
                    host::toml_flag(relay.allow_any_client_key.value_or(false)));
    if (relay.server_key)
        host::toml_list(out, "server_key", *relay.server_key);
    if (relay.curve_sides)
        host::toml_list(out, "curve_sides", *relay.curve_sides);
    host::toml_line(out, "allow_plaintext", host::toml_flag(relay.allow_plaintext.value_or(false)));
    return out;
}

std::string name_of(const RelaySettings& relay) {
    return relay.name.value_or(relay::RelayOptions{}.name);
}

using Lines = std::map<std::string, std::string>;

// By key.
Lines lines_of(const RelaySettings& relay) {
    Lines lines;
    std::istringstream in(format_relay(relay));
    for (std::string line; std::getline(in, line);)
        if (const std::size_t end = line.find(' '); end != std::string::npos)
            lines.emplace(line.substr(0, end), line);
    return lines;
}

std::map<std::string, Lines> lines_of(const DaemonSettings& settings) {
    std::map<std::string, Lines> all;
    for (const RelaySettings& relay : settings.relays)
        all.emplace(name_of(relay), lines_of(relay));
    return all;
}

// Those of `a` that `b` has not, or has otherwise.
void add_differing(const std::map<std::string, Lines>& a, const std::map<std::string, Lines>& b,
                   std::set<std::string>& out) {
    for (const auto& [name, lines] : a) {
        const auto other = b.find(name);
        if (other == b.end()) {
            out.insert(name);
            continue;
        }
        for (const auto& line : lines)
            if (const auto at = other->second.find(line.first);
                at == other->second.end() || *at != line)
                out.insert(name + "." + line.first);
    }
}

} // namespace

std::vector<std::string> differing_relay_settings(const DaemonSettings& a,
                                                  const DaemonSettings& b) {
    const auto of_a = lines_of(a);
    const auto of_b = lines_of(b);
    std::set<std::string> differing;
    add_differing(of_a, of_b, differing);
    add_differing(of_b, of_a, differing);
    return {differing.begin(), differing.end()};
}

std::string format_settings(const DaemonSettings& settings) {
    std::string out;
    const DaemonSettings all = in_effect(settings);
    host::for_each_common_setting<DaemonSettings>(host::writing(out, all));
    for (const RelaySettings& relay : all.relays)
        out += format_relay(relay);
    return out;
}

} // namespace flotilla::relay_daemon
