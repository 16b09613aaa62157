// SPDX-License-Identifier: Apache-2.0
#include "cast.hpp"

#include <flotilla/base/check.hpp>

#include <algorithm>
#include <stdexcept>

namespace demo {
namespace {

Lines read_lines(const Setting& setting, std::uint64_t rounds = 1) {
    auto lines = Lines::read(setting.file, rounds);
    if (!lines)
        throw std::runtime_error(to_string(lines.error()));
    return std::move(*lines);
}

// Every line exactly once, unharmed.
void judge_exactly_once(Outcome& outcome) {
    const Tally& tally = outcome.tally;
    outcome.kept = tally.lost == 0 && tally.duplicated == 0 && tally.damaged == 0;
    outcome.verdict = outcome.kept ? "none lost" : "BROKEN";
}

void judge_order(Outcome& outcome) {
    if (outcome.kept && !outcome.tally.in_order) {
        outcome.kept = false;
        outcome.verdict = "BROKEN: out of order";
    } else if (outcome.kept) {
        outcome.verdict += ", in order";
    }
}

// Each subscriber is judged alone; the outcome adds them up.
Outcome judge_subscribers(const Setting& setting, std::string name, const std::vector<Role*>& all,
                          double seconds) {
    const Lines lines = read_lines(setting);
    Outcome outcome{std::move(name), lines.size(), {}, seconds, {}, true};
    for (const Role* subscriber : all) {
        const Tally one = tally(lines, {subscriber->journal()});
        outcome.kept = outcome.kept && subscriber->last_word("counted_lost") == one.lost;
        outcome.tally.received += one.received;
        outcome.tally.lost += one.lost;
        outcome.tally.duplicated += one.duplicated;
        outcome.tally.damaged += one.damaged;
        outcome.tally.in_order = outcome.tally.in_order && one.in_order;
    }
    const bool counted_right = outcome.kept;
    judge_exactly_once(outcome);
    judge_order(outcome);
    if (!counted_right) {
        outcome.kept = false;
        outcome.verdict = "BROKEN: losses counted that were none";
    }
    return outcome;
}

Outcome publish(const Setting& setting) {
    Role publisher(setting, "publisher",
                   {"role=publish", "at=@tcp://127.0.0.1:*", "rounds=1", "subscribers=2"});
    const std::string at = "at=>" + publisher.wait("ready");
    Role first(setting, "subscriber-1", {"role=subscribe", at});
    Role second(setting, "subscriber-2", {"role=subscribe", at});
    publisher.go();
    const std::string began = publisher.wait("sent");
    const std::uint64_t total = 2 * read_lines(setting).size();
    const double seconds = gather({&first, &second}, total, began);
    publisher.finish();
    return judge_subscribers(setting, "pub/sub, 2 subscribers, overflow block", {&first, &second},
                             seconds);
}

// A subscriber that reads nothing meanwhile must lose, and must know exactly how much.
Outcome publish_to_a_slow_one(const Setting& setting) {
    constexpr std::uint64_t bytes_min = 24 << 20; // more than all queues and kernel buffers hold
    const std::uint64_t rounds = bytes_min / read_lines(setting).bytes() + 1;
    const Lines lines = read_lines(setting, rounds);
    Role publisher(setting, "lossy-publisher",
                   {"role=publish", "at=@tcp://127.0.0.1:*", "lossy=1", "subscribers=1",
                    "rounds=" + std::to_string(rounds)});
    Role slow(setting, "slow-subscriber",
              {"role=subscribe", "lossy=1", "at=>" + publisher.wait("ready")});
    publisher.go();
    const std::string began = publisher.wait("sent");
    slow.go();
    gather({&slow}, lines.size(), began);
    publisher.finish();
    Outcome outcome{"pub/sub, a subscriber that stops reading", lines.size(), {}, 0, {}, false};
    outcome.tally = tally(lines, {slow.journal()});
    const auto counted = slow.last_word("counted_lost");
    const Tally& tally = outcome.tally;
    outcome.kept = counted == tally.lost && tally.lost > 0 && tally.duplicated == 0 &&
                   tally.damaged == 0 && tally.in_order;
    outcome.verdict = outcome.kept ? "every loss counted"
                                   : "BROKEN: " + std::to_string(counted) + " losses counted";
    return outcome;
}

Outcome push(const Setting& setting, std::string name, const std::string& mode) {
    Role pusher(setting, "pusher", {"role=push", "at=@tcp://127.0.0.1:*", mode});
    const std::string at = "at=>" + pusher.wait("ready");
    Role first(setting, "puller-1", {"role=pull", at, mode});
    Role second(setting, "puller-2", {"role=pull", at, mode});
    first.wait("ready");
    second.wait("ready");
    pusher.go();
    const std::string began = pusher.wait("sent");
    const Lines lines = read_lines(setting);
    Outcome outcome{std::move(name), lines.size(), {}, 0, {}, false};
    outcome.seconds = gather({&first, &second}, lines.size(), began);
    outcome.tally = tally(lines, {first.journal(), second.journal()});
    judge_exactly_once(outcome);
    judge_order(outcome);
    return outcome;
}

Outcome push_plain(const Setting& setting) {
    return push(setting, "push/pull, 2 pullers", "plain=1");
}

Outcome push_batched(const Setting& setting) {
    return push(setting, "push/pull, batched", "batched=1");
}

// At least once: what the killed worker held comes again, marked, to another.
Outcome work(const Setting& setting) {
    constexpr std::uint64_t messages_min = 1'000; // so that every worker gets some
    const std::uint64_t rounds = messages_min / read_lines(setting).size() + 1;
    const Lines lines = read_lines(setting, rounds);
    Role source(setting, "source",
                {"role=source", "at=tcp://127.0.0.1:*", "rounds=" + std::to_string(rounds)});
    const std::string at = "at=" + source.wait("ready");
    Role first(setting, "worker-1", {"role=worker", at});
    Role second(setting, "worker-2", {"role=worker", at});
    Role victim(setting, "worker-3", {"role=worker", at});
    for (Role* worker : {&first, &second, &victim})
        worker->wait("ready");
    source.go();
    source.wait("half");
    victim.go();
    victim.wait("stopping");
    source.go();
    const std::string held = victim.wait("holding");
    victim.kill_at_once();
    const std::uint64_t began = std::stoull(source.wait("sent")); // all is acknowledged
    for (Role* each : {&source, &first, &second})
        each->finish();
    Outcome outcome{"work, 3 workers, one killed holding " + held, lines.size(), {}, 0, {}, false};
    outcome.seconds = static_cast<double>(source.last_word("last") - began) / 1e9;
    outcome.tally = tally(lines, {first.journal(), second.journal(), victim.journal()});
    const Tally& tally = outcome.tally;
    outcome.kept = tally.lost == 0 && tally.damaged == 0 && tally.unmarked == 0;
    outcome.verdict = outcome.kept ? "none lost, repeats marked" : "BROKEN";
    return outcome;
}

// Each line is asked for by one of two clients, and must be answered once, to that one.
Outcome request(const Setting& setting) {
    constexpr std::uint64_t messages_min = 1'000;
    const std::string rounds =
        "rounds=" + std::to_string(messages_min / read_lines(setting).size() + 1);
    const Lines lines = read_lines(setting, messages_min / read_lines(setting).size() + 1);
    const std::string broker_at = local_endpoint(setting, "broker");
    DaemonProcess broker(setting.broker, {"--bind", broker_at, "--requeue"});
    const std::string at = "at=" + broker_at;
    Role first(setting, "server-1", {"role=serve", at});
    Role second(setting, "server-2", {"role=serve", at});
    Role third(setting, "server-3", {"role=serve", at});
    Role victim(setting, "server-4", {"role=serve", at});
    Role one(setting, "asker-1", {"role=ask", at, "first=0", "askers=2", rounds});
    Role two(setting, "asker-2", {"role=ask", at, "first=1", "askers=2", rounds});
    for (Role* each : {&first, &second, &third, &victim, &one, &two})
        each->wait("ready");
    for (Role* asker : {&one, &two})
        asker->go();
    for (Role* asker : {&one, &two})
        asker->wait("half");
    victim.go();
    victim.wait("stopping");
    for (Role* asker : {&one, &two})
        asker->go();
    victim.wait("holding");
    victim.kill_at_once();
    const std::uint64_t began =
        std::min(std::stoull(one.wait("sent")), std::stoull(two.wait("sent")));
    for (Role* each : {&one, &two, &first, &second, &third})
        each->finish();
    Outcome outcome{"request/reply, 4 workers, one killed", lines.size(), {}, 0, {}, false};
    const std::uint64_t last = std::max(one.last_word("last"), two.last_word("last"));
    outcome.seconds = static_cast<double>(last - began) / 1e9;
    outcome.tally = tally(lines, {one.journal(), two.journal()});
    judge_exactly_once(outcome);
    outcome.kept = outcome.kept && one.last_word("misplaced") + two.last_word("misplaced") == 0;
    outcome.verdict = outcome.kept ? "each answered once" : "BROKEN";
    return outcome;
}

// Confirmed is on disk: the store is killed in the middle of a put storm, and again in the middle
// of a drain. Nothing is lost, and what comes twice says so.
Outcome queue_killed_twice(const Setting& setting) {
    constexpr std::uint64_t messages_min = 50'000;
    const std::uint64_t rounds = messages_min / read_lines(setting).size() + 1;
    const Lines lines = read_lines(setting, rounds);
    const std::string store_at = local_endpoint(setting, "store");
    DaemonProcess store(setting.store, {"--bind", store_at, "--data", setting.folder + "/queues",
                                        "--auto-create", "demo"});
    const std::string at = "at=>" + store_at;
    Role producer(setting, "producer", {"role=put", at, "rounds=" + std::to_string(rounds)});
    producer.wait("ready");
    producer.go();
    producer.wait("half");
    store.kill_and_restart();
    const std::string began = producer.wait("sent"); // all are confirmed
    producer.finish();
    const std::string expected = "expected=" + std::to_string(lines.size());
    Role first(setting, "consumer-1", {"role=drain", at, expected});
    Role second(setting, "consumer-2", {"role=drain", at, expected});
    first.wait("ready");
    second.wait("ready");
    first.wait("some");
    store.kill_and_restart();
    Outcome outcome{"queue, its store killed twice", lines.size(), {}, 0, {}, false};
    outcome.seconds = gather({&first, &second}, lines.size(), began);
    outcome.tally = tally(lines, {first.journal(), second.journal()});
    const Tally& tally = outcome.tally;
    outcome.kept = tally.lost == 0 && tally.damaged == 0 && tally.unmarked == 0;
    outcome.verdict = outcome.kept ? "none lost, repeats marked" : "BROKEN";
    return outcome;
}

Outcome through_streamer(const Setting& setting) {
    const std::string front = local_endpoint(setting, "streamer-front");
    const std::string back = local_endpoint(setting, "streamer-back");
    DaemonProcess relay(setting.relay, {"streamer", "--frontend", front, "--backend", back});
    Role pusher(setting, "relay-pusher", {"role=push", "at=>" + front});
    Role puller(setting, "relay-puller", {"role=pull", "at=>" + back});
    pusher.wait("ready");
    puller.wait("ready");
    pusher.go();
    const std::string began = pusher.wait("sent");
    const Lines lines = read_lines(setting);
    Outcome outcome{"relay: streamer", lines.size(), {}, 0, {}, false};
    outcome.seconds = gather({&puller}, lines.size(), began);
    outcome.tally = tally(lines, {puller.journal()});
    judge_exactly_once(outcome);
    judge_order(outcome);
    return outcome;
}

Outcome through_forwarder(const Setting& setting) {
    const std::string front = local_endpoint(setting, "forwarder-front");
    const std::string back = local_endpoint(setting, "forwarder-back");
    DaemonProcess relay(setting.relay, {"forwarder", "--frontend", front, "--backend", back,
                                        "--overflow", "block:60s"});
    Role publisher(setting, "relay-publisher",
                   {"role=publish", "at=>" + front, "rounds=1", "probe=1"});
    Role first(setting, "relay-subscriber-1", {"role=subscribe", "at=>" + back});
    Role second(setting, "relay-subscriber-2", {"role=subscribe", "at=>" + back});
    publisher.wait("ready");
    publisher.go();
    first.wait("joined");
    second.wait("joined");
    publisher.go();
    const std::string began = publisher.wait("sent");
    const double seconds = gather({&first, &second}, 2 * read_lines(setting).size(), began);
    publisher.finish();
    return judge_subscribers(setting, "relay: forwarder, 2 subscribers", {&first, &second},
                             seconds);
}

} // namespace

std::vector<Outcome (*)(const Setting&)> steps() {
    return {publish, publish_to_a_slow_one, push_plain,       push_batched,     work,
            request, queue_killed_twice,    through_streamer, through_forwarder};
}

} // namespace demo
