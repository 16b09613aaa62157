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

Rights::Named named(const SideOptions& side) {
    return net::names_users(side.security) ? Rights::Named::yes : Rights::Named::no;
}

std::string_view user_id_of(const net::Part& part, Rights::Named named) {
    if (named == Rights::Named::no)
        return {};
    return part.property("User-Id").value_or(std::string_view{});
}

} // namespace

Rights::Rights(const RelayOptions& options)
    : options_(options), binds_{binds(options.frontend), binds(options.backend)},
      named_{named(options.frontend), named(options.backend)} {
    judge_.set(options.permissions);
}

void Rights::set(std::shared_ptr<const Permissions> permissions) {
    judge_.set(std::move(permissions));
    if (judge_.is_open())
        return;
    for (const Side side : {Side::frontend, Side::backend})
        for (const int descriptor : peers_[static_cast<std::size_t>(side)].without_right(
                 judge_, operation_of(options_.kind, side)))
            net::cut(descriptor);
}

void Rights::refuse(std::string_view user_id, Operation operation, std::string_view object,
                    int descriptor) {
    judge_.refuse(user_id, operation, object, descriptor);
    for (const Refusal& each : judge_.take_noted())
        if (options_.on_refused)
            options_.on_refused(each);
    if (!judge_.knows(user_id))
        net::cut(descriptor);
}

bool Rights::may_pass(Side side, const Message& message) {
    const net::Part& last = message.parts[message.frames - 1];
    const std::string_view user_id = user_id_of(last, named_[static_cast<std::size_t>(side)]);
    const Operation operation = operation_of(options_.kind, side);
    const bool has_topic = options_.kind == Kind::forwarder;
    const std::string_view object = has_topic ? message.frame(0) : ByteView{options_.name};
    const bool may = has_topic && is_reserved_topic(object)
                         ? judge_.knows(user_id)
                         : judge_.allows(user_id, operation, object);
    if (!may)
        refuse(user_id, operation, object, last.descriptor());
    else if (options_.kind == Kind::queue) // it will be sent something
        peers_[static_cast<std::size_t>(side)].add(last.descriptor(), user_id, object);
    return may;
}

Rights::Listening Rights::subscribers() const noexcept {
    const auto backend = static_cast<std::size_t>(Side::backend);
    return {Operation::subscribe, named_[backend], binds_[backend]};
}

Rights::Listening Rights::taps() const noexcept {
    return {Operation::administer, options_.capture ? named(*options_.capture) : Named::no, true};
}

std::string_view Rights::user_of(const Listening& listening, const net::Part& part) {
    return user_id_of(part, listening.named);
}

bool Rights::allows(const Listening& listening, std::string_view user_id, ByteView topic) {
    if (judge_.is_open() || !listening.is_judged)
        return true;
    if (listening.operation == Operation::administer)
        return judge_.allows(user_id, listening.operation, options_.name);
    return is_reserved_topic(topic) ? judge_.knows(user_id)
                                    : judge_.allows(user_id, listening.operation, topic);
}

std::string Rights::user_named(std::string_view user_id) const {
    const auto& permissions = judge_.permissions();
    return permissions ? std::string(permissions->user_of(user_id).value_or("")) : std::string{};
}

bool Rights::may_listen(const Listening& listening, std::string_view user_id, ByteView topic,
                        int descriptor) {
    const bool may = allows(listening, user_id, topic);
    if (!may)
        refuse(user_id, listening.operation,
               listening.operation == Operation::administer ? ByteView{options_.name} : topic,
               descriptor);
    return may;
}

} // namespace flotilla::relay
