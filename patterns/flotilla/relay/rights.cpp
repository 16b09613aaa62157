// SPDX-License-Identifier: Apache-2.0
#include "rights.hpp"

#include "last_value.hpp"

#include <flotilla/net/cut.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::relay {
namespace {

bool binds(const SideOptions& side) {
    return std::any_of(side.attachments.begin(), side.attachments.end(),
                       [](const net::Attachment& each) { return each.how == net::Attach::bind; });
}

Operation operation_of(Kind kind, Side side) noexcept {
    switch (kind) {
    case Kind::forwarder:
        return side == Side::frontend ? Operation::publish : Operation::subscribe;
    case Kind::queue:
        return side == Side::frontend ? Operation::call : Operation::serve;
    case Kind::streamer:
        break;
    }
    return side == Side::frontend ? Operation::put : Operation::take;
}

} // namespace

Rights::Rights(const RelayOptions& options)
    : options_(options), binds_{binds(options.frontend), binds(options.backend)} {
    const auto named = [](const SideOptions& side) {
        return net::names_users(side.security) ? Named::yes : Named::no;
    };
    named_ = {named(options.frontend), named(options.backend)};
    subscribers_.operation = Operation::subscribe;
    subscribers_.named = named(options.backend);
    taps_.operation = Operation::administer;
    taps_.named = options.capture ? named(*options.capture) : Named::no;
    judge_.set(options.permissions);
}

void Rights::set(std::shared_ptr<const Permissions> permissions) {
    judge_.set(std::move(permissions));
    for (Listeners* each : {&subscribers_, &taps_})
        for (const int descriptor : each->denied.with_right(judge_, each->operation))
            net::cut(descriptor);
    if (judge_.is_open())
        return;
    const auto cut = [this](Audience& audience, Operation operation) {
        for (const int descriptor : audience.without_right(judge_, operation))
            net::cut(descriptor);
    };
    cut(subscribers_.audience, subscribers_.operation);
    cut(taps_.audience, taps_.operation);
    for (const Side side : {Side::frontend, Side::backend})
        cut(peers_[static_cast<std::size_t>(side)], operation_of(options_.kind, side));
}

// The user's text lives as long as the part. Where the transport does not know who a peer is, it
// may say anything of itself.
Rights::Sender Rights::sender_of(const net::Part& part, Named named) {
    std::string_view user_id;
    if (named == Named::yes)
        user_id = part.property("User-Id").value_or(std::string_view{});
    return {user_id, part.descriptor()};
}

void Rights::refuse(const Sender& sender, Operation operation, std::string_view object) {
    judge_.refuse(sender.user_id, operation, object, sender.descriptor);
    for (const Refusal& each : judge_.take_noted())
        if (options_.on_refused)
            options_.on_refused(each);
    if (!judge_.knows(sender.user_id))
        net::cut(sender.descriptor);
}

bool Rights::may_pass(Side side, const Message& message) {
    const Sender sender =
        sender_of(message.parts[message.frames - 1], named_[static_cast<std::size_t>(side)]);
    const Operation operation = operation_of(options_.kind, side);
    const bool has_topic = options_.kind == Kind::forwarder;
    const std::string_view object = has_topic ? message.frame(0) : ByteView{options_.name};
    const bool may = has_topic && is_reserved_topic(object)
                         ? judge_.knows(sender.user_id)
                         : judge_.allows(sender.user_id, operation, object);
    if (!may)
        refuse(sender, operation, object);
    else if (options_.kind == Kind::queue) // it will be sent something
        peers_[static_cast<std::size_t>(side)].add(sender.descriptor, sender.user_id, object);
    return may;
}

Rights::Verdict Rights::judge(Listeners& of, const net::Part& message, bool subscribes,
                              ByteView topic, ByteView object) {
    const Sender sender = sender_of(message, of.named);
    if (!subscribes) {
        if (object == topic && of.audience.remove(sender.descriptor, object))
            return Verdict::takes_effect;
        (void)of.denied.remove(sender.descriptor, object);
        return of.refused.take(topic) ? Verdict::cancels_refused : Verdict::takes_effect;
    }
    const bool may = is_reserved_topic(object)
                         ? judge_.knows(sender.user_id)
                         : judge_.allows(sender.user_id, of.operation, object);
    if (may) {
        if (!is_reserved_topic(object))
            of.audience.add(sender.descriptor, sender.user_id, object);
        return Verdict::takes_effect;
    }
    refuse(sender, of.operation, object);
    of.denied.add(sender.descriptor, sender.user_id, object);
    if (!of.refused.add(topic))
        net::cut(sender.descriptor);
    return Verdict::refused;
}

Rights::Verdict Rights::subscription(const net::Part& message, bool subscribes, ByteView topic) {
    if (!binds_[static_cast<std::size_t>(Side::backend)])
        return Verdict::takes_effect;
    return judge(subscribers_, message, subscribes, topic, topic);
}

Rights::Verdict Rights::tap_subscription(const net::Part& message, bool subscribes,
                                         ByteView topic) {
    return judge(taps_, message, subscribes, topic, options_.name);
}

} // namespace flotilla::relay
