// SPDX-License-Identifier: Apache-2.0
#include "store/tables.hpp"

#include "host/settings_text.hpp"

#include <flotilla/queue/properties.hpp>

#include <set>
#include <utility>

namespace flotilla::store_daemon {
namespace {

using host::toml_line;
using host::toml_text;
using queue::Door;

// A duration is called lease_ms in the protocol; in a file it may also be lease, with a unit.
std::string_view name_with_unit(std::string_view property) {
    constexpr std::string_view tail = "_ms";
    return property.size() > tail.size() && property.substr(property.size() - tail.size()) == tail
               ? property.substr(0, property.size() - tail.size())
               : std::string_view{};
}

queue::QueueProperties read_properties(SettingsTable& table) {
    queue::QueueProperties properties;
    const auto is_given = [&](std::string_view name) {
        const auto value = table.any(name);
        if (!value)
            return false;
        if (const Status set = set_property(properties, name, *value); !set)
            table.refuse(name, set.error().detail);
        return true;
    };
    for (const std::string_view name : queue::property_names()) {
        const bool is_given_so = is_given(name);
        const std::string_view other = name_with_unit(name);
        if (!other.empty() && is_given(other) && is_given_so)
            table.refuse(other, "'" + std::string(name) + "' and '" + std::string(other) +
                                    "' are one property: give one of them");
    }
    if (const Status right = check_properties(properties); !right)
        table.refuse("name", right.error().detail);
    return properties;
}

void read_queues(SettingsTable& root, DaemonSettings& settings) {
    std::set<std::string> names;
    auto tables = root.tables("queue");
    if (tables.size() > declared_queues_max)
        root.refuse("queue", std::to_string(tables.size()) + " queues; at most " +
                                 std::to_string(declared_queues_max));
    for (SettingsTable& table : tables) {
        DeclaredQueue declared;
        const auto name = table.text("name");
        declared.name = name.value_or("");
        if (!name)
            table.refuse("name", "a queue without a name; write name = \"...\"");
        else if (!queue::is_queue_name(*name))
            table.refuse("name", queue::no_queue_name(*name));
        else if (!names.insert(*name).second)
            table.refuse("name", "'" + *name + "' has a table already");
        declared.properties = read_properties(table);
        settings.queues.push_back(std::move(declared));
    }
}

void read_patterns(SettingsTable& root, DaemonSettings& settings) {
    auto tables = root.tables("auto_create");
    if (tables.size() > patterns_max)
        root.refuse("auto_create", std::to_string(tables.size()) + " patterns; at most " +
                                       std::to_string(patterns_max));
    for (SettingsTable& table : tables) {
        queue::StoreLimits::AutoCreate created;
        const auto pattern = table.text("pattern");
        created.pattern = pattern.value_or("");
        if (!pattern || pattern->empty())
            table.refuse("pattern", "no pattern; write pattern = \"orders.*\"");
        created.properties = read_properties(table);
        settings.patterns.push_back(std::move(created));
    }
}

std::vector<net::Attachment> read_endpoints(SettingsTable& table) {
    std::vector<net::Attachment> all;
    const auto texts = table.texts("endpoints");
    if (!texts || texts->empty())
        table.refuse("endpoints", "a door without endpoints; write endpoints = [\"tcp://...\"]");
    for (const std::string& text : texts.value_or(std::vector<std::string>{})) {
        auto attachment = net::parse_attachment(text, net::AttachRule::bind);
        if (attachment)
            all.push_back(std::move(*attachment));
        else
            table.refuse("endpoints", "'endpoints': " + attachment.error().detail);
    }
    return all;
}

void read_doors(SettingsTable& root, DaemonSettings& settings) {
    auto tables = root.tables("door");
    if (tables.size() > doors_max)
        root.refuse("door",
                    std::to_string(tables.size()) + " doors; at most " + std::to_string(doors_max));
    for (SettingsTable& table : tables) {
        Door door;
        const auto kind = table.choice("kind", {"pull", "sub", "push"});
        if (!kind && !table.any("kind")) // else it was refused with its value
            table.refuse("kind", "what kind of door? Write kind = \"pull\", \"sub\" or \"push\"");
        door.kind = kind == "sub"    ? Door::Kind::sub
                    : kind == "push" ? Door::Kind::push
                                     : Door::Kind::pull;
        const auto queue = table.text("queue");
        door.queue = queue.value_or("");
        if (!queue::is_queue_name(door.queue))
            table.refuse("queue", queue::no_queue_name(door.queue));
        door.endpoints = read_endpoints(table);
        door.topics = table.texts("topics").value_or(std::vector<std::string>{});
        if (door.kind == Door::Kind::sub && door.topics.empty())
            table.refuse("topics", "a sub door needs topics; [\"\"] is everything");
        if (door.kind != Door::Kind::sub && !door.topics.empty())
            table.refuse("topics", "only a sub door has topics");
        door.unpack = table.flag("unpack").value_or(false);
        if (door.kind != Door::Kind::pull && door.unpack)
            table.refuse("unpack", "only a pull door unpacks batches");
        door.metadata = table.flag("metadata").value_or(false);
        door.send_messages_max = static_cast<std::uint32_t>(
            table.count("send_messages_max", 1, 16).value_or(door.send_messages_max));
        settings.doors.push_back(std::move(door));
    }
}

std::string_view name(Door::Kind kind) {
    return kind == Door::Kind::sub ? "sub" : kind == Door::Kind::push ? "push" : "pull";
}

std::string format_properties(const queue::QueueProperties& properties) {
    std::string out;
    for (const auto& [name, value] : property_texts(properties))
        toml_line(out, name, toml_text(value));
    return out;
}

std::string format_door(const Door& door) {
    std::string out = "\n[[door]]\n";
    toml_line(out, "kind", toml_text(name(door.kind)));
    toml_line(out, "queue", toml_text(door.queue));
    std::vector<std::string> endpoints;
    for (const net::Attachment& each : door.endpoints)
        endpoints.push_back((each.how == net::Attach::bind ? "@" : ">") + each.endpoint.text());
    host::toml_list(out, "endpoints", endpoints);
    if (door.kind == Door::Kind::sub) {
        host::toml_list(out, "topics", door.topics);
        toml_line(out, "metadata", host::toml_flag(door.metadata));
    }
    if (door.kind == Door::Kind::pull)
        toml_line(out, "unpack", host::toml_flag(door.unpack));
    if (door.kind == Door::Kind::push)
        toml_line(out, "send_messages_max", std::to_string(door.send_messages_max));
    return out;
}

} // namespace

void read_tables(SettingsTable& root, DaemonSettings& settings) {
    read_queues(root, settings);
    read_patterns(root, settings);
    read_doors(root, settings);
}

std::string format_tables(const DaemonSettings& settings) {
    std::string out;
    for (const DeclaredQueue& each : settings.queues) {
        out += "\n[[queue]]\n";
        toml_line(out, "name", toml_text(each.name));
        out += format_properties(each.properties);
    }
    for (const std::string& each : settings.auto_create) {
        out += "\n[[auto_create]]\n";
        toml_line(out, "pattern", toml_text(each));
    }
    for (const auto& each : settings.patterns) {
        out += "\n[[auto_create]]\n";
        toml_line(out, "pattern", toml_text(each.pattern));
        out += format_properties(each.properties);
    }
    for (const Door& each : settings.doors)
        out += format_door(each);
    return out;
}

} // namespace flotilla::store_daemon
