// SPDX-License-Identifier: Apache-2.0
#include "context_state.hpp"

#include <flotilla/net/runner.hpp>
#include <flotilla/net/zap.hpp>

#include <utility>

namespace flotilla::net {
namespace {

constexpr std::string_view zap_version = "1.0";
constexpr const char* zap_endpoint = "inproc://zeromq.zap.01";

// 27/ZAP: version, request id, domain, address, identity, mechanism, credentials...
constexpr std::size_t request_id_at = 1;
constexpr std::size_t frames_min = 6;

wire::Frames reply(ByteView request_id, const AccessDecision& decision) {
    return {zap_version,   request_id,       std::to_string(decision.status),
            decision.text, decision.user_id, ByteView{}};
}

AccessDecision decide(const AccessPolicy& policy, const AccessRequest& request) {
    if (const auto* list = std::get_if<AllowList>(&policy))
        return list->decide(request);
    if (request.mechanism != "CURVE")
        return {400, "this listener speaks CURVE only", {}};
    const auto key = CurveKey::from_bytes(request.key_bytes);
    if (!key)
        return {400, "the client key is malformed", {}};
    return {200, "OK", key->z85()};
}

} // namespace

Result<wire::Frames>
answer_access_request(const wire::Frames& request,
                      const std::function<const AccessPolicy*(std::string_view)>& policy_of) {
    if (request.size() <= request_id_at)
        return fail(Errc::malformed, "a ZAP request has no request id");
    const ByteView id = request[request_id_at];
    if (request[0] != zap_version)
        return reply(id, {500, "the ZAP version is not 1.0", {}});
    if (request.size() < frames_min)
        return reply(id, {500, "the ZAP request is too short", {}});
    const AccessPolicy* const policy = policy_of(request[2].view());
    if (!policy)
        return reply(id, {500, "the ZAP domain is unknown", {}});
    const AccessRequest asked{request[2].view(), request[3].view(), request[5].view(),
                              request.size() > frames_min ? request[frames_min].view()
                                                          : ByteView{}};
    return reply(id, decide(*policy, asked));
}

Status set_access_policy(Context& context, std::string domain, AccessPolicy policy) {
    return context.state().set_access_policy(std::move(domain), std::move(policy));
}

AccessCounters access_counters(const Context& context) {
    return context.state().access_counters();
}

namespace detail {

Context ContextState::guest() {
    return Context{shared_from_this(), Context::Role::guest};
}

Status ContextState::set_access_policy(std::string domain, AccessPolicy policy) {
    const std::lock_guard starting(start_mutex_);
    {
        const std::lock_guard lock(mutex_);
        policies_.insert_or_assign(std::move(domain), std::move(policy));
        if (access_handler_)
            return {};
    }
    return start_access_handler();
}

Status ContextState::start_access_handler() {
    // The handler must not keep the context alive: it is stopped by the Context that owns it.
    auto context = std::make_unique<Context>(guest());
    Context& inside = *context;
    auto runner = Runner::start(
        inside, "flotilla-zap",
        [this,
         kept = std::shared_ptr<Context>(std::move(context))](Runner::Inside& thread) -> Status {
            auto socket = Socket::open(thread.context, SocketType::rep);
            if (!socket)
                return fail(socket.error());
            if (const auto bound = socket->bind(*Endpoint::parse(zap_endpoint)); !bound)
                return fail(bound.error());
            auto rep = std::make_shared<Socket>(std::move(*socket));
            thread.poller.on_readable(*rep, [this, rep, kept] {
                auto request = rep->receive(Duration::zero());
                if (!request)
                    return;
                // REP must answer: a request without an id gets an empty reply, which libzmq
                // refuses.
                auto answered = answer(*request);
                wire::Frames frames = answered ? std::move(*answered) : wire::Frames{ByteView{}};
                (void)rep->send(frames, Duration::zero());
            });
            return {};
        });
    if (!runner)
        return fail(runner.error());
    const std::lock_guard lock(mutex_);
    access_handler_ = std::make_unique<Runner>(std::move(*runner));
    return {};
}

Result<wire::Frames> ContextState::answer(const wire::Frames& request) {
    const std::lock_guard lock(mutex_);
    auto answered =
        answer_access_request(request, [this](std::string_view domain) -> const AccessPolicy* {
            const auto found = policies_.find(domain);
            return found == policies_.end() ? nullptr : &found->second;
        });
    if (!answered)
        ++counters_.malformed_total;
    else if ((*answered)[2] == ByteView{"200"})
        ++counters_.accepted_total;
    else
        ++counters_.denied_total;
    return answered;
}

AccessCounters ContextState::access_counters() const {
    const std::lock_guard lock(mutex_);
    return counters_;
}

} // namespace detail
} // namespace flotilla::net
