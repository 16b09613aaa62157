// SPDX-License-Identifier: Apache-2.0
// The first half of a raw verb: from its flags to an open socket.
#include <flotilla/net/system.hpp>
#include <flotilla/wire/subscription.hpp>

#include <cli/raw_run.hpp>

namespace flotilla::cli {

using net::SocketType;
using Flow = TrafficRules::Flow;

namespace {

constexpr Duration subscribe_wait = 100ms;

const std::vector<std::string>& or_everything(const std::vector<std::string>& prefixes) {
    static const std::vector<std::string> everything{""};
    return prefixes.empty() ? everything : prefixes;
}

} // namespace

Result<Link::Plan> RawRun::make_plan(const Targets& targets) const {
    auto options = make_socket_options(flags_.socket);
    if (!options)
        return fail(options.error());
    Link::Plan plan;
    plan.type = verb_.type;
    plan.options = std::move(*options);
    plan.options.routing_id = routing_bytes(flags_.routing_id);
    if (plan.options.routing_id == flags_.routing_id && flags_.routing_id.starts_with("0x"))
        return fail(Errc::bad_option, "--id: '" + flags_.routing_id +
                                          "' begins with 0x and is not hex of 1 to 255 bytes");
    plan.attachments = targets.attachments;
    if (verb_.flow != Flow::in)
        plan.loss =
            plan.type == SocketType::xpub ? Link::Plan::Loss::note : Link::Plan::Loss::report;
    if (verb_.type == SocketType::pub)
        plan.become_publisher();
    plan.options.refuse_when_full = plan.type == SocketType::xpub && flags_.overflow == "block";
    if (verb_.type == SocketType::sub)
        plan.prefixes = or_everything(flags_.prefixes);
    return plan;
}

Status RawRun::open_input(const std::vector<std::string>& messages) {
    random_ = Random{flags_.input.seed.value_or(net::system_seed())};
    if (!flags_.reply.empty()) {
        auto reply = Payload::parse(flags_.reply);
        if (!reply)
            return fail(reply.error());
        reply_ = std::move(*reply);
    }
    if (verb_.flow == Flow::in || flags_.echo || reply_)
        return {};
    using Options = Input::Options;
    Options options;
    options.messages = messages;
    options.message_bytes_max = flags_.socket.message_bytes_max;
    const bool counts_sends = verb_.flow == Flow::out || verb_.flow == Flow::ask;
    if (flags_.interval || (flags_.count && counts_sends))
        options.repeat = Options::Repeat::yes;
    if (verb_.type == SocketType::router)
        options.routing = Options::Routing::first_frame;
    options.seed = net::system_seed();
    auto input = Input::open(flags_.input, std::move(options));
    if (!input)
        return fail(input.error());
    input_.emplace(std::move(*input));
    if (!input_->absent() || verb_.flow == Flow::both)
        return {};
    if (verb_.flow == Flow::answer)
        return fail(Errc::bad_option, "what shall it answer? --echo, --reply TEXT, or replies on "
                                      "stdin (- reads the terminal)");
    return fail(Errc::bad_option, "nothing to send: give a MESSAGE, -f FILE, or pipe it in (- "
                                  "reads the terminal)");
}

TrafficRules RawRun::make_rules() const {
    TrafficRules rules;
    rules.flow = verb_.flow;
    rules.count = flags_.count;
    rules.interval = flags_.interval.value_or(Duration::zero());
    rules.timeout = flags_.timeout;
    rules.peers_min = flags_.wait_peers.value_or(flags_.wait_sub ? 1 : verb_.peers_min);
    if (input_ && input_->absent())
        rules.input = TrafficRules::Input::none;
    return rules;
}

Status RawRun::prepare() {
    const bool messages = verb_.flow != Flow::in && verb_.flow != Flow::answer;
    auto targets = make_targets(*flags_.parser, flags_.words,
                                messages ? Words::endpoints_and_messages : Words::endpoints_only);
    if (!targets)
        return fail(targets.error());
    auto format = make_format(flags_.output);
    if (!format)
        return fail(format.error());
    format_ = std::move(*format);
    if (Status opened = open_input(targets->messages); !opened)
        return opened;
    auto plan = make_plan(*targets);
    if (!plan)
        return fail(plan.error());
    auto link = Link::open(std::move(*plan), flags_.socket, terminal_);
    if (!link)
        return fail(link.error());
    link_ = std::move(*link);
    // XSUB hears nothing until it asks; who sends it messages of his own asks by them.
    if (verb_.type == SocketType::xsub && (!input_ || input_->absent() || !flags_.prefixes.empty()))
        for (const std::string& prefix : or_everything(flags_.prefixes))
            if (Status sent = link_->socket().send(to_frame(wire::Subscription{true, prefix}),
                                                   subscribe_wait);
                !sent)
                return sent;
    traffic_.emplace(make_rules(), net::now());
    return {};
}

} // namespace flotilla::cli
