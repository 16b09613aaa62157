// SPDX-License-Identifier: Apache-2.0
//
// QueueMachine: who may say what. Every command states its claim here, and is judged before
// anything else is done with it; a new command without a claim does not compile.
//
//     put        put                        take   take, hello, peek
//     administer create alter delete purge kick redrive
//     any of them on the queue              stat; ls shows only such queues
//     to be somebody                        the rest: it is about the session or leases of its own
#include <flotilla/queue/engine/queue_machine_rest.hpp>

#include <utility>

namespace flotilla::queue {
namespace {

struct Claim {
    enum class Kind : std::uint8_t { somebody, sight, operation } kind = Kind::somebody;
    Operation operation{};
    std::string_view queue{};
    std::string_view dead_letters_to{}; // a second queue, into which it would put
};

Claim claim(Operation operation, std::string_view queue, std::string_view dead_letters_to = {}) {
    return {Claim::Kind::operation, operation, queue, dead_letters_to};
}

Claim claim_of(const Put& put) {
    return claim(Operation::put, put.queue);
}
Claim claim_of(const PutPacked& put) {
    return claim(Operation::put, put.queue);
}
Claim claim_of(const Take& take) {
    if (take.queue.empty())
        return {}; // there is no default one, and so nothing to be had
    return claim(Operation::take, take.queue);
}
Claim claim_of(const Peek& peek) {
    return claim(Operation::take, peek.queue);
}
Claim claim_of(const Create& create) {
    return claim(Operation::administer, create.queue, create.properties.dead_letter_queue);
}
Claim claim_of(const Alter& alter) {
    for (const auto& [property, value] : alter.changes)
        if (property == "dead_letter_queue")
            return claim(Operation::administer, alter.queue, value);
    return claim(Operation::administer, alter.queue);
}
Claim claim_of(const Delete& erase) {
    return claim(Operation::administer, erase.queue);
}
Claim claim_of(const Purge& purge) {
    return claim(Operation::administer, purge.queue);
}
Claim claim_of(const Kick& kick) {
    return claim(Operation::administer, kick.queue);
}
Claim claim_of(const Redrive& redrive) {
    return claim(Operation::administer, redrive.queue);
}
Claim claim_of(const Stat& stat) {
    if (stat.queue.empty())
        return {};
    return {Claim::Kind::sight, Operation::take, stat.queue, {}}; // the least that would do
}
Claim claim_of(const List&) {
    return {}; // its rows are judged
}
Claim claim_of(const leased::Command& command) {
    const auto* hello = std::get_if<leased::Hello>(&command);
    if (hello && !hello->queue.empty())
        return claim(Operation::take, hello->queue);
    return {};
}

} // namespace

bool QueueMachine::Rest::is_judged(const Peer& peer) const noexcept {
    return !judge_.is_open() && peer.side == Peer::Side::remote;
}

bool QueueMachine::Rest::may_see(std::string_view user_id, std::string_view queue) {
    return judge_.allows(user_id, Operation::take, queue) ||
           judge_.allows(user_id, Operation::put, queue) ||
           judge_.allows(user_id, Operation::administer, queue);
}

// False: it was answered.
bool QueueMachine::Rest::may(const Said& said, const Command& command) {
    const Claim claim = std::visit([](const auto& each) { return claim_of(each); }, command);
    const std::string_view user_id = said.peer.user_id;
    switch (claim.kind) {
    case Claim::Kind::somebody:
        // A session whose user may not take any more was ended when that became so.
        if (said.session != no_slot || judge_.knows(user_id))
            return true;
        not_allowed(said, Operation::take, {});
        return false;
    case Claim::Kind::sight:
        if (may_see(user_id, claim.queue))
            return true;
        break;
    case Claim::Kind::operation:
        if (!judge_.allows(user_id, claim.operation, claim.queue))
            break;
        if (claim.dead_letters_to.empty() ||
            judge_.allows(user_id, Operation::put, claim.dead_letters_to))
            return true;
        not_allowed(said, Operation::put, claim.dead_letters_to);
        return false;
    }
    not_allowed(said, claim.operation, claim.queue);
    return false;
}

// Nothing of a producer's sequence is used up: whoever may not put writes nothing, not even that.
void QueueMachine::Rest::not_allowed(const Said& said, Operation operation,
                                     std::string_view queue) {
    const Peer& peer = said.peer;
    refuse(said, leased::ErrorCode::not_allowed,
           judge_.refuse(peer.user_id, operation, queue, peer.descriptor));
    if (!judge_.knows(peer.user_id) && peer.descriptor >= 0)
        cuts_.push_back(peer.descriptor);
}

// Of the server itself and its doors there is nothing to note: they do what the settings say.
void QueueMachine::Rest::note_change(const Said& said, std::string_view verb,
                                     std::string_view queue) {
    if (said.peer.side != Peer::Side::remote)
        return;
    std::string_view user;
    if (const auto& permissions = judge_.permissions())
        user = permissions->user_of(said.peer.user_id).value_or(std::string_view{});
    changes_.push_back({std::string(said.peer.user_id), std::string(user), verb, std::string(queue),
                        said.peer.descriptor});
}

void QueueMachine::Rest::set_permissions(std::shared_ptr<const Permissions> permissions) {
    judge_.set(std::move(permissions));
    if (judge_.is_open())
        return;
    sessions_.for_each([&](Slot slot) {
        const Session& session = sessions_[slot];
        if (session.side == Peer::Side::ours)
            return;
        const bool stays =
            session.queue == no_slot
                ? judge_.knows(session.user_id)
                : judge_.allows(session.user_id, Operation::take, book_[session.queue].name);
        if (!stays)
            revoke(slot);
    });
}

// What it holds returns at once. It is told why, unless it is cut off.
void QueueMachine::Rest::revoke(Slot slot) {
    Session& session = sessions_[slot];
    const std::string_view queue =
        session.queue == no_slot ? std::string_view{} : book_[session.queue].name;
    leased::ErrorReply why{
        leased::ErrorCode::not_allowed,
        judge_.refuse(session.user_id, Operation::take, queue, session.descriptor), 0, 0, 0};
    if (session.take)
        end_take(session, std::move(why));
    else if (session.greeted && session.state == Session::State::live)
        held_.push_back({{session.peer, {session.delimited, {}}, std::move(why)}, Needs::nothing});
    if (!judge_.knows(session.user_id) && session.descriptor >= 0)
        cuts_.push_back(session.descriptor);
    ++counters_.revoked_total;
    drop(slot);
}

} // namespace flotilla::queue
