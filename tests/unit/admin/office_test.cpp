// SPDX-License-Identifier: Apache-2.0
#include <admin/office.hpp>
#include <nlohmann/json.hpp>
#include <support/admin_loop.hpp>
#include <support/catch.hpp>
#include <support/scratch.hpp>

#include <filesystem>
#include <fstream>
#include <future>
#include <string>
#include <thread>
#include <vector>

using namespace flotilla;
using namespace flotilla::admin;
using flotilla::admin::test::AdminLoop;
using nlohmann::json;

namespace {

constexpr const char* secret = "0123456789abcdef";

Token token(const flotilla::test::ScratchFolder& folder) {
    std::ofstream(folder.file("token")) << secret << "\n";
    std::filesystem::permissions(folder.file("token"), std::filesystem::perms{0600});
    return *Token::load(folder.file("token"));
}

Request request(std::string verb, Arguments arguments = {}, std::string token = {}) {
    Request asked;
    asked.verb = std::move(verb);
    asked.arguments = std::move(arguments);
    asked.token = std::move(token);
    asked.address = "127.0.0.1:1";
    return asked;
}

Request from_peer(Request asked, std::string user_id) {
    asked.user_id = std::move(user_id);
    return asked;
}

std::shared_ptr<const Permissions> rules() {
    Rule rule;
    rule.who = {"@operators"};
    rule.operations[static_cast<std::size_t>(Operation::administer)] = true;
    rule.objects = {"fake"};
    return std::make_shared<const Permissions>(*Permissions::make(
        {{"key-of-alice", User{"alice", {"operators"}}}, {"key-of-bob", User{"bob", {}}}},
        Permissions::Unlisted::nobody, {rule}));
}

} // namespace

TEST_CASE("office: reading is free, changing needs the token, and both are noted",
          "[unit][admin]") {
    const flotilla::test::ScratchFolder folder;
    AdminLoop loop(3);
    Office office(loop.desk(), loop.audit(), {"fake", token(folder), Office::Reading::open});
    CHECK(office.answer(request("status")).code == 200);
    CHECK(office.answer(request("browse", {{"queue", "queue-0002"}})).code == 200);
    CHECK(office.answer(request("purge", {{"queue", "queue-0002"}})).code == 401);
    CHECK(office.answer(request("purge", {{"queue", "queue-0002"}}, "0123456789abcdee")).code ==
          401);
    const Answer purged = office.answer(request("purge", {{"queue", "queue-0002"}}, secret));
    CHECK(purged.code == 200);
    CHECK(json::parse(purged.json)["messages"] == 2);
    CHECK(office.answer(request("message", {{"queue", "queue-0002"}})).code == 401);
    CHECK(office.answer(request("audit")).code == 401);

    const json audit = json::parse(office.answer(request("audit", {}, secret)).json);
    REQUIRE(audit["entries"].size() == 5);
    CHECK(audit["entries"][2]["event"] == "admin_done");
    CHECK(audit["entries"][2]["who"] == "token");
    CHECK(audit["entries"][2]["object"] == "queue-0002");
    CHECK(audit["entries"][4]["event"] == "admin_refused");
    CHECK(audit.dump().find(secret) == std::string::npos);
    const json status = json::parse(office.answer(request("status")).json);
    CHECK(status["totals"]["admin_done"] == 1);
    CHECK(status["totals"]["admin_refused"] == 4);
}

TEST_CASE("office: without a token nobody may change anything over HTTP", "[unit][admin]") {
    AdminLoop loop(3);
    Office office(loop.desk(), loop.audit(), {"fake", Token{}, Office::Reading::open});
    CHECK(office.answer(request("purge", {{"queue", "queue-0001"}})).code == 401);
    CHECK(office.answer(request("drain", {}, "anything-at-all-here")).code == 401);
    CHECK(office.answer(request("status", {}, "anything-at-all-here")).code == 401);
    CHECK(loop.orders().empty());
}

TEST_CASE("office: while others keep the loop busy, probes are told what it said lately",
          "[unit][admin]") {
    AdminLoop loop(3);
    Office office(loop.desk(), loop.audit(), {"fake", Token{}, Office::Reading::open});
    Office::Options forgets{"fake", Token{}, Office::Reading::open};
    forgets.health_age_max = Duration::zero();
    Office forgetful(loop.desk(), loop.audit(), std::move(forgets));
    for (Office* each : {&office, &forgetful})
        REQUIRE(each->answer(request("health")).code == 200);

    std::vector<std::future<Result<Snapshot>>> askers;
    {
        const auto hanging = loop.hang();
        // The first may be with the loop already.
        for (std::size_t i = 0; i <= Desk::waiting_max; ++i)
            askers.push_back(
                std::async(std::launch::async, [&] { return loop.desk()->ask(Wanted{}, 300s); }));
        while (true) {
            const auto asked = loop.desk()->ask(Wanted{}, Duration::zero());
            REQUIRE_FALSE(asked);
            if (asked.error().code == Errc::too_many)
                break;
            std::this_thread::yield();
        }
        CHECK(office.liveness().code == 200);
        CHECK(office.answer(request("health")).code == 200);
        CHECK(json::parse(office.answer(request("health")).json)["state"] == "ready");
        CHECK(forgetful.liveness().code == 503);
        const Answer unready = forgetful.answer(request("health"));
        CHECK(unready.code == 503);
        CHECK(json::parse(unready.json)["error"] == "too_many");
        CHECK(office.answer(request("status")).code == 503);
    }
    for (auto& each : askers)
        (void)each.get();
}

TEST_CASE("office: where reading needs the token, only health does without", "[unit][admin]") {
    const flotilla::test::ScratchFolder folder;
    AdminLoop loop(3);
    Office office(loop.desk(), loop.audit(), {"fake", token(folder), Office::Reading::by_token});
    CHECK(office.answer(request("status")).code == 401);
    CHECK(office.metrics(request("metrics")).code == 401);
    CHECK(office.answer(request("health")).code == 200);
    CHECK(office.answer(request("status", {}, secret)).code == 200);
    CHECK(office.metrics(request("metrics", {}, secret)).code == 200);
}

TEST_CASE("office: a peer of the endpoint changes things when a rule lets it", "[unit][admin]") {
    AdminLoop loop(3);
    Office office(loop.desk(), loop.audit(), {"fake", Token{}, Office::Reading::open});
    const Request purge = request("purge", {{"queue", "queue-0002"}});
    CHECK(office.answer(from_peer(purge, "")).code == 403);
    office.set_permissions(rules());
    CHECK(office.answer(from_peer(purge, "key-of-bob")).code == 403);
    CHECK(office.answer(from_peer(request("status"), "key-of-bob")).code == 200);
    CHECK(office.answer(from_peer(request("status"), "key-of-nobody")).code == 403);
    CHECK(office.answer(from_peer(purge, "key-of-alice")).code == 200);
    REQUIRE(loop.orders().size() == 1);
    CHECK(loop.orders()[0].who == "alice");
}

TEST_CASE("office: a verb that the daemon has not is said so, and wrong arguments too",
          "[unit][admin]") {
    const flotilla::test::ScratchFolder folder;
    AdminLoop loop(3);
    Office office(loop.desk(), loop.audit(), {"fake", token(folder), Office::Reading::open});
    CHECK(office.answer(request("pause", {{"relay", "x"}}, secret)).code == 501);
    CHECK(office.answer(request("dance")).code == 501);
    CHECK(office.answer(request("purge", {{"queue", "nowhere"}}, secret)).code == 404);
    CHECK(office.answer(request("status", {{"rows", "10001"}})).code == 400);
    CHECK(office.answer(request("status", {{"rows", "-1"}})).code == 400);
    CHECK(office.metrics(request("metrics", {{"kind", "worker"}})).code == 404);
}

TEST_CASE("office: health tells starting, ready, not ready and stopped apart", "[unit][admin]") {
    auto desk = *Desk::open();
    const host::Log log(host::LogLevel::error, host::LogFormat::text);
    Office starting(desk, std::make_shared<Audit>(log), {"fake", Token{}, Office::Reading::open});
    CHECK(starting.answer(request("health")).code == 503);
    CHECK(starting.answer(request("health")).json.find("starting") != std::string::npos);
    CHECK(starting.liveness().code == 200);
    desk->close();
    CHECK(starting.liveness().code == 503);

    AdminLoop loop(1);
    Office office(loop.desk(), loop.audit(), {"fake", Token{}, Office::Reading::open});
    CHECK(office.answer(request("health")).code == 200);
    loop.set_state(State::draining, {"draining"});
    CHECK(office.answer(request("health")).code == 503);
    CHECK(office.liveness().code == 200);
}

TEST_CASE("audit: refusals are counted, kept in bounds, and do not push changes out",
          "[unit][admin]") {
    const host::Log log(host::LogLevel::error, host::LogFormat::text);
    Audit audit(log);
    audit.changed({0, 0, "", "token", "purge", "orders", "", 200, ""});
    for (std::size_t i = 0; i < 3 * Audit::kept_max; ++i)
        audit.refused(
            {0, 0, "access_refused", "bob", "put", std::string(1'000, 'x'), "", 403, "no"});
    CHECK(audit.refused_total() == 3 * Audit::kept_max);
    const json all = json::parse(audit.json(10'000))["entries"];
    CHECK(all.size() == Audit::kept_max + 1);
    CHECK(all.back()["event"] == "admin_done");
    CHECK(all.front()["object"].get<std::string>().size() == Audit::text_bytes_max);
}

TEST_CASE("token: a file that others may read, or a weak one, is refused", "[unit][admin]") {
    const flotilla::test::ScratchFolder folder;
    const std::string path = folder.file("token");
    CHECK(Token::load(path).error().code == Errc::not_found);
    std::ofstream(path) << "0123456789abcdef";
    std::filesystem::permissions(path, std::filesystem::perms{0640});
    CHECK(Token::load(path).error().code == Errc::unsafe_file);
    std::filesystem::permissions(path, std::filesystem::perms{0600});
    CHECK(Token::load(path)->fits("0123456789abcdef"));
    CHECK_FALSE(Token::load(path)->fits("0123456789abcde"));
    CHECK_FALSE(Token::load(path)->fits("0123456789abcdef0123456789abcdef"));
    CHECK_FALSE(Token::load(path)->fits(""));
    CHECK_FALSE(Token{}.fits(""));
    for (const std::string& bad : {std::string("short"), std::string(513, 'x'), std::string{},
                                   std::string("0123456789 abcdef")}) {
        std::ofstream(path, std::ios::trunc) << bad;
        CHECK(Token::load(path).error().code == Errc::bad_option);
    }
}
