// SPDX-License-Identifier: Apache-2.0
#include "context_state.hpp"

#include <flotilla/base/check.hpp>
#include <flotilla/net/runner.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/net/zap.hpp>

#include <limits>
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

// Behind the mechanism: CURVE has a key, PLAIN a name and a password.
ByteView credential(const wire::Frames& request, std::size_t index) {
    return request.size() > frames_min + index ? request[frames_min + index].view() : ByteView{};
}

// Of a peer over ipc libzmq says "localhost:UID:GID:PID"; of others their address in numbers.
ByteView ip_address(ByteView address) {
    return Address::parse(address) ? address : ByteView{};
}

} // namespace

Result<wire::Frames>
answer_access_request(const wire::Frames& request,
                      const std::function<AccessDecision(const AccessRequest&)>& decide) {
    if (request.size() <= request_id_at)
        return fail(Errc::malformed, "a ZAP request has no request id");
    const ByteView id = request[request_id_at];
    if (request[0] != zap_version)
        return reply(id, {500, "the ZAP version is not 1.0", {}});
    if (request.size() < frames_min)
        return reply(id, {500, "the ZAP request is too short", {}});
    AccessRequest asked{request[2].view(), ip_address(request[3].view()), request[5].view(), {}};
    if (asked.mechanism == "CURVE") {
        asked.key_bytes = credential(request, 0);
    } else if (asked.mechanism == "PLAIN") {
        asked.plain_name = credential(request, 0);
        asked.plain_password = credential(request, 1);
    }
    return reply(id, decide(asked));
}

Status set_access_policy(Context& context, std::string domain, AccessPolicy policy) {
    return context.state().set_access_policy(std::move(domain), std::move(policy));
}

Status set_gate(Context& context, std::string domain, std::shared_ptr<Gate> gate,
                std::optional<Entry> entry) {
    return context.state().set_gate(std::move(domain), {std::move(gate), std::move(entry)});
}

AccessCounters access_counters(const Context& context) {
    return context.state().access_counters();
}

namespace detail {

Context ContextState::guest() {
    return Context{shared_from_this(), Context::Role::guest};
}

Status ContextState::set_access_policy(std::string domain, AccessPolicy policy) {
    {
        const std::lock_guard lock(mutex_);
        if (const auto at = domains_.find(domain); at != domains_.end()) {
            at->second.gate->set_policy(std::move(policy));
            return {};
        }
    }
    constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();
    const GateLimits limits{unlimited, unlimited, unlimited};
    return set_gate(std::move(domain), {std::make_shared<Gate>(std::move(policy), limits), {}});
}

Status ContextState::set_gate(std::string domain, GuardedDomain guarded) {
    FLOTILLA_CHECK(guarded.gate, "a domain is guarded by a gate");
    const std::lock_guard starting(start_mutex_);
    {
        const std::lock_guard lock(mutex_);
        domains_.insert_or_assign(std::move(domain), std::move(guarded));
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
    auto answered = answer_access_request(request, [this](const AccessRequest& asked) {
        const auto found = domains_.find(asked.domain);
        return found == domains_.end()
                   ? AccessDecision{500, "the ZAP domain is unknown", {}}
                   : found->second.gate->judge(asked, found->second.entry, now());
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
