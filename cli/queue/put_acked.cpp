// SPDX-License-Identifier: Apache-2.0
// `zmq queue put --wait-acked`.
#include <flotilla/base/units.hpp>
#include <flotilla/net/poller.hpp>
#include <flotilla/net/system.hpp>

#include <cli/queue/put_flags.hpp>
#include <cli/queue/store_link.hpp>
#include <cli/signals.hpp>

#include <utility>

namespace flotilla::cli {

namespace {

// The next message; nothing: the input has ended, or a signal came.
Result<std::optional<wire::Frames>> next_body(Input& input) {
    while (!input.ended()) {
        auto next = input.next(net::wall_now());
        if (!next || *next || input.ended())
            return next;
        net::Poller poller;
        poller.on_readable(input.descriptor(), [] {});
        poller.on_readable(signal_descriptor(), [] {});
        if (Status turned = poller.turn(no_limit); !turned)
            return fail(turned.error());
        if (signal_caught() != 0)
            break;
    }
    return std::optional<wire::Frames>{};
}

// Stored, and then acknowledged: told one after the other, so that of each it is known.
Status put_one(const PutFlags& flags, StoreLink& link, queue::Put put, Terminal& terminal) {
    put.tell_acked = true;
    auto stored = link.ask_for<queue::PutOk>(std::move(put), queue::Asked::put);
    if (!stored)
        return fail(stored.error());
    if (stored->duplicates > 0) {
        tell_repeat(flags, stored->first_id, terminal);
        return {};
    }
    if (stored->told && *stored->told == 0)
        return fail(Errc::refused, "it is stored, and the store has no room to watch whether it is "
                                   "acknowledged");
    auto told = link.answer(queue::Asked::put, flags.store.timeout);
    if (!told && told.error().code == Errc::timeout)
        return fail(Errc::timeout, "it is stored, and was not acknowledged within " +
                                       format_duration(flags.store.timeout));
    if (!told)
        return fail(told.error().code, "it is stored; whether it is acknowledged is not known: " +
                                           told.error().detail);
    const auto* ok = std::get_if<queue::PutOk>(&*told);
    if (!ok || ok->acked != queue::Acked::yes)
        return fail(Errc::refused,
                    "it was stored, and will not be acknowledged: it is dead or gone");
    return {};
}

} // namespace

Result<ExitCode> put_acked(const PutFlags& flags, Terminal& terminal) {
    auto input = bodies_of(flags);
    if (!input)
        return fail(input.error());
    auto link = StoreLink::open(flags.store, told_to(terminal));
    if (!link)
        return fail(link.error());
    std::uint64_t done = 0;
    while (done < flags.count.value_or(UINT64_MAX)) {
        const std::string which = "message " + std::to_string(done + 1) + ": ";
        auto next = next_body(*input);
        if (!next)
            return fail(next.error());
        if (!*next)
            break;
        const auto with = put_options(flags, *input);
        if (!with)
            return fail(with.error().code, which + with.error().detail);
        queue::Put put;
        put.queue = flags.queue;
        put.key = with->key;
        put.priority = with->priority;
        put.delay = with->delay;
        put.ttl = with->ttl;
        put.message_id = with->message_id;
        put.body = std::move(**next);
        if (Status ended = put_one(flags, *link, std::move(put), terminal); !ended) {
            const auto behind = input->next(net::wall_now());
            if (behind && *behind && done + 1 < flags.count.value_or(UINT64_MAX))
                terminal.note("nothing was put of what follows message " +
                              std::to_string(done + 1));
            return fail(ended.error().code, which + ended.error().detail);
        }
        ++done;
    }
    terminal.detail(std::to_string(done) + " acknowledged");
    return ExitCode::ok;
}

} // namespace flotilla::cli
