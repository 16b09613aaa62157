// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/units.hpp>
#include <flotilla/net/system.hpp>

#include <cli/queue/message_shown.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace flotilla::cli {

namespace {

Shown shown_of(const wire::Frames& body, const ShownFrom& from) {
    Shown shown{body};
    shown.number = from.number;
    shown.time = net::wall_now();
    shown.type = "message";
    shown.endpoint = from.endpoint;
    shown.meta = {{"queue", std::string(from.queue)}};
    return shown;
}

} // namespace

std::vector<std::pair<std::string, std::string>> option_pairs(std::string_view text) {
    std::vector<std::pair<std::string, std::string>> pairs;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        if (const std::size_t equals = line.find('='); equals != std::string_view::npos)
            pairs.emplace_back(line.substr(0, equals), line.substr(equals + 1));
    }
    return pairs;
}

Duration until(std::string_view wall_ms) {
    const auto at = parse_count(wall_ms, 0, 1ULL << 50);
    if (!at)
        return Duration::zero();
    const auto now =
        std::chrono::duration_cast<std::chrono::milliseconds>(net::wall_now().time_since_epoch());
    const std::chrono::milliseconds left{static_cast<std::int64_t>(*at) - now.count()};
    return std::max<Duration>(left, Duration::zero());
}

Status append(std::string& out, const Format& format, const ShownFrom& from, const Taken& message,
              const std::string& lease) {
    Shown shown = shown_of(message.body, from);
    shown.meta.emplace_back("id", std::to_string(message.id));
    shown.meta.emplace_back("attempt", std::to_string(message.attempt));
    shown.meta.emplace_back("redelivered", name(message.redelivered));
    if (!message.key.empty())
        shown.meta.emplace_back("key", message.key);
    if (!lease.empty())
        shown.meta.emplace_back("lease", lease);
    return format.append(out, shown);
}

Status append(std::string& out, const Format& format, const ShownFrom& from,
              const queue::PeekReply::Message& message) {
    Shown shown = shown_of(message.body, from);
    for (auto& each : option_pairs(message.info))
        shown.meta.push_back(std::move(each));
    return format.append(out, shown);
}

} // namespace flotilla::cli
