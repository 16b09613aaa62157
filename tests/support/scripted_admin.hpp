// SPDX-License-Identifier: Apache-2.0
// An admin endpoint that a test plays: docs/protocol/admin.md over a ROUTER, on a thread of its
// own.
#pragma once

#include <flotilla/net/context.hpp>
#include <flotilla/net/socket.hpp>
#include <flotilla/net/system.hpp>

#include <nlohmann/json.hpp>
#include <support/catch.hpp>
#include <support/scratch.hpp>

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace flotilla::test {

struct AdminReply {
    int code = 200; // 0: goes away without an answer
    nlohmann::ordered_json json = nlohmann::ordered_json::object();
};

class ScriptedAdmin {
public:
    // Called on the thread, with the verb and its arguments.
    using Script = std::function<AdminReply(const std::string&, const nlohmann::json&)>;

    explicit ScriptedAdmin(Script script, const net::Endpoint& at = any_tcp(),
                           net::Security security = {})
        : script_(std::move(script)), context_(*net::Context::open()),
          router_(*net::Socket::open(context_, net::SocketType::router,
                                     with_security(std::move(security)))) {
        endpoint_ = router_.bind(at).value().text();
        thread_ = std::thread([this] { serve(); });
    }
    ~ScriptedAdmin() {
        stopped_ = true;
        thread_.join();
    }

    const std::string& endpoint() const noexcept { return endpoint_; }
    std::vector<std::string> heard() {
        const std::lock_guard guard(mutex_);
        return heard_;
    }

private:
    static net::SocketOptions with_security(net::Security security) {
        net::SocketOptions options;
        options.security = std::move(security);
        return options;
    }
    void serve() {
        while (!stopped_) {
            auto message = router_.receive(20ms);
            if (!message || message->size() < 4)
                continue;
            const std::string verb{(*message)[3].view()};
            const std::string arguments{message->size() > 4 ? (*message)[4].view() : ByteView{}};
            {
                const std::lock_guard guard(mutex_);
                heard_.push_back(verb + " " + arguments);
            }
            const AdminReply reply =
                script_(verb, nlohmann::json::parse(arguments, nullptr, false));
            if (reply.code == 0) {
                (void)router_.close(0s);
                return;
            }
            wire::Frames answer{(*message)[0].view(), (*message)[1].view(), "",
                                std::to_string(reply.code), reply.json.dump()};
            (void)router_.send(answer, 1s);
        }
    }

    Script script_;
    net::Context context_;
    net::Socket router_;
    std::string endpoint_{};
    std::mutex mutex_{};
    std::vector<std::string> heard_{};
    std::atomic<bool> stopped_ = false;
    std::thread thread_{};
};

inline nlohmann::ordered_json store_status(const std::string& state = "ready", int accepted = 0) {
    using Json = nlohmann::ordered_json;
    static std::atomic<std::int64_t> taken_ms{10'000};
    Json json{{"program", "flotilla-store"},
              {"instance", "orders"},
              {"version", "0.1.0"},
              {"process", 4711},
              {"started_ms", 1'000},
              {"taken_ms", taken_ms += 1'000},
              {"state", state},
              {"not_ready", Json::array()},
              {"endpoints", Json::array({"tcp://127.0.0.1:5560"})},
              {"totals", {{"sessions", 3}}}};
    if (state != "ready")
        json["not_ready"].push_back(state);
    json["totals_kind"] = "store";
    json["text_columns"]["queue"] = Json::array({"order"});
    json["columns"]["store"] = Json::array(
        {{{"name", "sessions"}, {"kind", "gauge"}, {"unit", "count"}, {"help", "Consumers."}}});
    json["columns"]["queue"] = Json::array(
        {{{"name", "ready"}, {"kind", "gauge"}, {"unit", "count"}, {"help", "Waiting."}},
         {{"name", "accepted"}, {"kind", "counter"}, {"unit", "count"}, {"help", "Put."}}});
    json["objects"]["queue"] =
        Json::array({{{"name", "mail"}, {"order", "plain"}, {"ready", 5}, {"accepted", accepted}},
                     {{"name", "work"}, {"order", "key"}, {"ready", 9}, {"accepted", 2}}});
    json["left_out"]["queue"] = 0;
    return json;
}

} // namespace flotilla::test
