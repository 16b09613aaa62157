// SPDX-License-Identifier: Apache-2.0
#include "door.hpp"

#include "door_in.hpp"
#include "door_out.hpp"

#include <flotilla/feed/heartbeat.hpp>
#include <flotilla/wire/batch.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::queue {
namespace {

std::string id_of(std::size_t number) {
    std::string id = "door-" + std::to_string(number);
    id.resize(OpenDoor::id_bytes, '\0');
    return id;
}

net::SocketType type_of(Door::Kind kind) {
    switch (kind) {
    case Door::Kind::pull:
        return net::SocketType::pull;
    case Door::Kind::sub:
        return net::SocketType::sub;
    case Door::Kind::push:
        break;
    }
    return net::SocketType::push;
}

net::SocketOptions socket_options(const OpenDoor::Plan& plan) {
    net::SocketOptions options;
    options.frame_bytes_max = plan.message_bytes_max;
    if (plan.door.unpack)
        options.frame_bytes_max =
            std::max<std::uint64_t>(plan.message_bytes_max + wire::batch_item_overhead_bytes,
                                    wire::batch_region_bytes_max) +
            wire::batch_header_bytes;
    options.message_bytes_max = options.frame_bytes_max;
    options.frames_max = leased::limits::body_frames_max;
    options.security = plan.security;
    // Pushers and pullers say nothing by which a rule could judge them: it is asked when they
    // connect.
    options.domain = plan.domain + ".door-" + std::to_string(plan.number);
    if (net::asks_handshakes(plan.security))
        options.entry = net::Entry{
            plan.door.kind == Door::Kind::push ? Operation::take : Operation::put, plan.door.queue};
    options.linger = plan.linger;
    if (plan.door.kind == Door::Kind::push) {
        // What is in the pipe of a puller that dies is lost, so it is kept short, and nothing is
        // queued ahead for somebody who is not there.
        options.send_messages_max = plan.door.send_messages_max;
        options.to_connected_only = true;
    }
    return options;
}

} // namespace

OpenDoor::OpenDoor(Opened opened)
    : plan_(std::move(opened.plan)), socket_(std::move(opened.socket)),
      monitor_(std::move(opened.monitor)), endpoints_(std::move(opened.endpoints)),
      id_(id_of(plan_.number)) {}

Result<std::unique_ptr<OpenDoor>> OpenDoor::open(net::Context& context, Plan plan) {
    auto socket = net::Socket::open(context, type_of(plan.door.kind), socket_options(plan));
    if (!socket)
        return fail(std::move(socket.error()));
    for (const std::string& topic : plan.door.topics)
        if (Status subscribed = socket->subscribe(topic); !subscribed)
            return fail(std::move(subscribed.error()));
    if (plan.door.kind == Door::Kind::sub && plan.door.metadata)
        if (Status subscribed = socket->subscribe(feed::heartbeat_topic); !subscribed)
            return fail(std::move(subscribed.error()));
    std::optional<net::Monitor> monitor;
    if (net::gate_of(plan.security)) { // before it is attached, or it would miss events
        auto opened = net::Monitor::open(*socket);
        if (!opened)
            return fail(std::move(opened.error()));
        monitor.emplace(std::move(*opened));
    }
    std::string endpoints;
    for (const net::Attachment& each : plan.door.endpoints) {
        auto attached = socket->attach(each);
        if (!attached)
            return fail(std::move(attached.error()));
        endpoints += (endpoints.empty() ? "" : ",") + attached->text();
    }
    const Door::Kind kind = plan.door.kind;
    Opened opened{std::move(plan), std::move(*socket), std::move(monitor), std::move(endpoints)};
    if (kind == Door::Kind::push)
        return std::make_unique<DoorOut>(std::move(opened));
    return std::make_unique<DoorIn>(std::move(opened));
}

void OpenDoor::read_monitor() {
    while (monitor_ && monitor_->next()) {
    }
}

void OpenDoor::cut_disallowed() {
    read_monitor();
    if (monitor_)
        monitor_->cut_disallowed();
}

void OpenDoor::say(QueueEngine& engine, std::string correlation, Command&& command,
                   Times times) const {
    engine.apply(Peer{id_, {}, -1, Peer::Side::ours}, {false, std::move(correlation)},
                 std::move(command), times);
}

DoorStat OpenDoor::counted(std::uint64_t messages, std::uint64_t refused) const {
    DoorStat stat;
    stat.queue = plan_.door.queue;
    stat.endpoint = endpoints_;
    stat.kind = plan_.door.kind;
    stat.messages_total = messages;
    stat.refused_total = refused;
    return stat;
}

} // namespace flotilla::queue
