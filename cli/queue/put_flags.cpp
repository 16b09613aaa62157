// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/units.hpp>

#include <cli/queue/listing.hpp>
#include <cli/queue/message_shown.hpp>
#include <cli/queue/put_flags.hpp>
#include <cli/queue/store_link.hpp>

#include <algorithm>

namespace flotilla::cli {

namespace {

constexpr std::uint64_t priority_max = 7;
constexpr Duration drain_answer_max = 1s; // beyond the time that a put may take

} // namespace

Status check_put(const PutFlags& flags) {
    if (Status right = check_queue(flags.queue); !right)
        return right;
    const std::uint64_t messages =
        flags.count.value_or(std::max<std::uint64_t>(flags.bodies.size(), 1));
    if (!flags.id.empty() && messages > 1)
        return fail(Errc::bad_option,
                    "--id names one message, and " + std::to_string(messages) +
                        " are to be put: all but the first would be dropped as its repeats; give "
                        "one BODY, and each message a run with an --id of its own");
    return {};
}

Result<Input> bodies_of(const PutFlags& flags) {
    return open_bodies(
        {flags.input, flags.bodies, flags.count, flags.store.message_bytes_max, "put", "message"});
}

Result<queue::PutOptions> put_options(const PutFlags& flags, const Input& input) {
    queue::PutOptions options;
    options.key = flags.key;
    options.priority = static_cast<std::uint8_t>(flags.priority);
    options.delay = flags.delay;
    options.ttl = flags.ttl;
    options.message_id = flags.id;
    const Input::Meta& meta = input.meta();
    if (flags.key.empty())
        options.key = value_of(meta, "key");
    if (flags.delay == Duration::zero())
        options.delay = until(value_of(meta, "due_ms"));
    if (flags.ttl == Duration::zero())
        options.ttl = until(value_of(meta, "expiry_ms"));
    if (const std::string_view level = value_of(meta, "priority");
        flags.priority == 0 && !level.empty()) {
        const auto priority = parse_count(level, 0, priority_max);
        if (!priority)
            return fail(Errc::malformed, R"("priority" in "meta" is ')" + std::string(level) +
                                             "'; it is 0 to " + std::to_string(priority_max));
        options.priority = static_cast<std::uint8_t>(*priority);
    }
    return options;
}

void tell_repeat(const PutFlags& flags, std::uint64_t original, Terminal& terminal) {
    terminal.error("not stored again: the queue had --id " + flags.id + " already, as message " +
                   std::to_string(original));
}

// The producer leaves such a store for the next one, and does not say why.
std::string draining_text(const PutFlags& flags) {
    StoreFlags store = flags.store;
    store.timeout = std::min(store.timeout, drain_answer_max);
    auto link = StoreLink::open(store, {});
    if (!link)
        return {};
    const auto stat = link->ask_for<queue::StatReply>(queue::Stat{}, queue::Asked::stat);
    if (!stat || value_of(option_pairs(stat->text), "draining") != "yes")
        return {};
    return link->endpoint() + ": the store is draining, and takes nothing new; it ends soon";
}

// Asked only where it matters; who may not ask, or is not answered, has put all the same.
void tell_without_window(const PutFlags& flags, Terminal& terminal) {
    auto link = StoreLink::open(flags.store, {});
    if (!link)
        return;
    const auto stat = link->ask_for<queue::StatReply>(queue::Stat{flags.queue}, queue::Asked::stat);
    if (!stat)
        return;
    for (const auto& [name, value] : option_pairs(stat->text))
        if (name.rfind("duplicate_window", 0) == 0 && value == "0")
            terminal.note("--id has no effect: '" + flags.queue +
                          "' has no duplicate window (zmq queue alter " + flags.queue +
                          " duplicate_window=1h duplicate_messages_max=100000)");
}

} // namespace flotilla::cli
