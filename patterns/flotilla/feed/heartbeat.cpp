// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/feed/heartbeat.hpp>
#include <flotilla/wire/pack.hpp>

namespace flotilla::feed {
namespace {

constexpr ByteView magic{"\xF1"
                         "FH",
                         3};
constexpr std::uint8_t version = 1;

void start(wire::Writer& out, const Heartbeat& heartbeat) {
    using std::chrono::milliseconds;
    const auto interval = std::chrono::duration_cast<milliseconds>(heartbeat.interval).count();
    out.bytes(magic).u8(version).u64(heartbeat.epoch).u32(static_cast<std::uint32_t>(interval));
}

} // namespace

std::vector<std::string> encode_heartbeats(const Heartbeat& heartbeat) {
    std::vector<std::string> bodies;
    wire::Writer out;
    start(out, heartbeat);
    for (const Heartbeat::Topic& each : heartbeat.topics) {
        FLOTILLA_CHECK(each.topic.size() <= topic_bytes_max, "a sent topic was over its limit");
        if (out.size() + 1 + each.topic.size() + 4 + 8 > Heartbeat::body_bytes_max) {
            bodies.push_back(out.take());
            out.clear();
            start(out, heartbeat);
        }
        out.short_bytes(each.topic).u32(each.generation).u64(each.last_sequence);
    }
    bodies.push_back(out.take());
    return bodies;
}

Result<Heartbeat> decode_heartbeat(ByteView body) {
    if (body.size() > Heartbeat::body_bytes_max)
        return fail(Errc::too_large, "a heartbeat has " + std::to_string(body.size()) + " bytes");
    wire::Reader reader(body);
    if (reader.bytes(magic.size()) != magic)
        return fail(Errc::malformed, "a heartbeat does not begin with its magic number");
    if (const auto found = reader.u8(); reader.ok() && found != version)
        return fail(Errc::unsupported, "a heartbeat has version " + std::to_string(found));
    Heartbeat heartbeat;
    heartbeat.epoch = reader.u64();
    heartbeat.interval = std::chrono::milliseconds{reader.u32()};
    if (!reader.ok())
        return fail(Errc::malformed, "a heartbeat is cut off");
    if (heartbeat.interval < Heartbeat::interval_min ||
        heartbeat.interval > Heartbeat::interval_max)
        return fail(Errc::malformed, "a heartbeat's interval is out of range");
    while (reader.left() > 0) {
        Heartbeat::Topic each;
        each.topic = reader.short_bytes();
        each.generation = reader.u32();
        each.last_sequence = reader.u64();
        if (!reader.ok())
            return fail(Errc::malformed, "a heartbeat is cut off");
        if (each.last_sequence == 0 || each.last_sequence == UINT64_MAX)
            return fail(Errc::malformed, "a heartbeat's sequence is out of range");
        heartbeat.topics.push_back(each);
    }
    return heartbeat;
}

} // namespace flotilla::feed
