// SPDX-License-Identifier: Apache-2.0
// The three real daemons, seen and ordered by their administrators.
#include "daemon.hpp"

#include <algorithm>
#include <csignal>
#include <thread>

using namespace flotilla;
using namespace flotilla::test;
using nlohmann::json;

namespace {

Administered start_store(const ScratchFolder& folder) {
    return start({FLOTILLA_STORE_PROGRAM, "--bind", "tcp://127.0.0.1:*", "--data",
                  folder.file("data"), "--write-ahead-bytes", "1MiB", "--instance", "orders"},
                 folder);
}

// One REQ of the store's own protocol.
std::string tell(net::Context& context, const Administered& store, const std::string& verb,
                 const std::string& options, const std::string& body = {}) {
    auto socket = *net::Socket::open(context, net::SocketType::req);
    REQUIRE(socket.connect(*net::Endpoint::parse(store.said["endpoints"][0].get<std::string>())));
    wire::Frames message{"FLQ1", verb, "c", options};
    if (!body.empty())
        message.add(ByteView{body});
    REQUIRE(socket.send(message, patience));
    const auto answer = socket.receive(patience);
    REQUIRE(answer);
    return std::string((*answer)[1].view());
}

struct Said {
    std::string code{};
    json body{};
};
Said order(net::Context& context, const Administered& daemon, const std::string& verb,
           json arguments, bool with_token = true) {
    auto socket = *net::Socket::open(context, net::SocketType::req);
    REQUIRE(socket.connect(daemon.endpoint()));
    if (with_token)
        arguments["token"] = secret;
    wire::Frames message{verb, arguments.dump()};
    REQUIRE(socket.send(message, patience));
    const auto answer = socket.receive(patience);
    REQUIRE(answer);
    return {std::string((*answer)[0].view()), json::parse((*answer)[1].view())};
}

} // namespace

TEST_CASE("admin: a store shows its queues, and what it exports suits Prometheus",
          "[process][admin]") {
    const ScratchFolder folder;
    Administered store = start_store(folder);
    auto context = *net::Context::open();
    REQUIRE(tell(context, store, "create", "queue=mail") == "ok");
    for (int i = 0; i < 3; ++i)
        REQUIRE(tell(context, store, "put", "queue=mail\nkey=k", "hello " + std::to_string(i)) ==
                "ok");
    REQUIRE(tell(context, store, "take", "queue=mail") == "deliver");

    CHECK(http_get(store.http(), "/healthz").code == 200);
    CHECK(http_get(store.http(), "/readyz").code == 200);
    const json status = store.status("?kind=queue");
    CHECK(status["instance"] == "orders");
    CHECK(status["totals"]["received"] == 3);
    CHECK(status["totals"]["delivered"] == 1);
    REQUIRE(status["objects"]["queue"].size() == 1);
    CHECK(status["objects"]["queue"][0]["name"] == "mail");
    CHECK(status["objects"]["queue"][0]["ready"].get<int>() +
              status["objects"]["queue"][0]["leased"].get<int>() ==
          3);
    for (const char* page : {"/metrics", "/metrics/queues", "/metrics/doors"}) {
        const HttpReply metrics = http_get(store.http(), page);
        INFO(page);
        REQUIRE(metrics.code == 200);
        CHECK(promtool(metrics.body) == "");
    }
    const std::string totals = http_get(store.http(), "/metrics").body;
    CHECK(totals.find("\nflotilla_messages_received_total 3\n") != std::string::npos);
    CHECK(totals.find("\nflotilla_delivery_latency_seconds_count 1\n") != std::string::npos);
    CHECK(totals.find("\nflotilla_ready 1\n") != std::string::npos);
}

TEST_CASE("admin: messages of a store are browsed, looked at and purged, with the token",
          "[process][admin]") {
    const ScratchFolder folder;
    Administered store = start_store(folder);
    auto context = *net::Context::open();
    REQUIRE(tell(context, store, "create", "queue=mail") == "ok");
    for (int i = 0; i < 3; ++i)
        REQUIRE(tell(context, store, "put", "queue=mail\nkey=k", "hello " + std::to_string(i)) ==
                "ok");

    const json page = json::parse(http_get(store.http(), "/api/queues/mail/messages?rows=2").body);
    REQUIRE(page["messages"].size() == 2);
    CHECK(page["messages"][0]["key"] == "k");
    CHECK(page["messages"][0]["bytes"] == 7);
    const std::string last = "/api/queues/mail/messages/3";
    CHECK(http_get(store.http(), last).code == 401);
    const json message = json::parse(http_get(store.http(), last, authorized).body);
    CHECK(message["parts"][0]["text"] == "hello 2");
    CHECK(http_get(store.http(), "/api/queues/mail/messages/99", authorized).code == 404);
    CHECK(http_get(store.http(), "/api/queues/none/messages").code == 404);

    CHECK(order(context, store, "purge", {{"queue", "mail"}}, false).code == "403");
    CHECK(http_post(store.http(), "/api/queues/mail/purge", "{}").code == 401);
    const Said purged = order(context, store, "purge", {{"queue", "mail"}});
    CHECK(purged.code == "200");
    CHECK(purged.body["messages"] == 3);
    CHECK(order(context, store, "pause", {{"relay", "x"}}).code == "501");
    const json audit = json::parse(http_get(store.http(), "/api/audit", authorized).body);
    CHECK(audit["entries"].size() == 6); // and that the queue was created
    REQUIRE(store.process.wait_line(Stream::error, "admin_done who=token verb=purge object=mail"));
}

TEST_CASE("admin: dead letters go back to where they came from, one or all", "[process][admin]") {
    const ScratchFolder folder;
    Administered store = start_store(folder);
    auto context = *net::Context::open();
    REQUIRE(tell(context, store, "create", "queue=dead") == "ok");
    REQUIRE(tell(context, store, "create",
                 "queue=mail\nattempts_max=1\ndead_letter_queue=dead\nlease_ms=10") == "ok");
    for (int i = 0; i < 2; ++i) {
        REQUIRE(tell(context, store, "put", "queue=mail", "bad") == "ok");
        REQUIRE(tell(context, store, "take", "queue=mail\nwait_ms=30000") == "deliver");
    }
    const auto dead = [&] {
        return json::parse(http_get(store.http(), "/api/queues/dead/messages").body)["messages"];
    };
    while (dead().size() < 2)
        std::this_thread::yield();
    CHECK(dead()[0]["note"]["origin"] == "mail");
    const std::string id = dead()[0]["id"];
    const HttpReply one =
        http_post(store.http(), "/api/queues/dead/redrive", R"({"id":")" + id + "\"}", authorized);
    CHECK(one.code == 200);
    CHECK(dead().size() == 1);
    CHECK(order(context, store, "redrive", {{"queue", "dead"}}).code == "200");
    while (!dead().empty())
        std::this_thread::yield();
}

TEST_CASE("admin: a drain that is ordered ends the daemon as a signal does", "[process][admin]") {
    const ScratchFolder folder;
    Administered store = start_store(folder);
    auto context = *net::Context::open();
    REQUIRE(tell(context, store, "create", "queue=mail") == "ok");
    REQUIRE(tell(context, store, "put", "queue=mail", "held") == "ok");
    REQUIRE(tell(context, store, "take", "queue=mail") == "deliver");
    const Said drained = order(context, store, "drain", json::object());
    CHECK(drained.code == "200");
    CHECK(drained.body["deadline_ms"].get<int>() > 0);
    const HttpReply ready = http_get(store.http(), "/readyz");
    CHECK(ready.code == 503);
    CHECK(ready.body.find("draining") != std::string::npos);
    CHECK(http_get(store.http(), "/metrics").body.find("\nflotilla_ready 0\n") !=
          std::string::npos);
    store.process.signal(SIGTERM); // the second one: at once
    CHECK(store.process.wait_exit() == Exit::with(5));
}

TEST_CASE("admin: a store that takes no puts is not ready, whichever word is read",
          "[process][admin]") {
    const ScratchFolder folder;
    Administered store =
        start({FLOTILLA_STORE_PROGRAM, "--bind", "tcp://127.0.0.1:*", "--data", folder.file("data"),
               "--write-ahead-bytes", "1MiB", "--disk-reserve-bytes", "1000TiB"},
              folder);
    const HttpReply health = http_get(store.http(), "/readyz");
    CHECK(health.code == 503);
    for (const json& said : {json::parse(health.body), store.status()}) {
        CHECK(said["state"] == "not_ready");
        REQUIRE(said["not_ready"].size() == 1);
        CHECK(said["not_ready"][0].get<std::string>().starts_with("short of disk"));
    }
    CHECK(http_get(store.http(), "/metrics").body.find("\nflotilla_ready 0\n") !=
          std::string::npos);
}

TEST_CASE("admin: peers who use every connection up do not lock the administrator out",
          "[process][admin]") {
    const ScratchFolder folder;
    Administered store =
        start({FLOTILLA_STORE_PROGRAM, "--bind", "tcp://127.0.0.1:*", "--data", folder.file("data"),
               "--write-ahead-bytes", "1MiB", "--connections-max", "2"},
              folder);
    auto context = *net::Context::open();
    const auto peer = [&] {
        auto socket = *net::Socket::open(context, net::SocketType::req);
        REQUIRE(
            socket.connect(*net::Endpoint::parse(store.said["endpoints"][0].get<std::string>())));
        wire::Frames message{"FLQ1", "stat", "c", ""};
        REQUIRE(socket.send(message, patience));
        return socket;
    };
    auto first = peer();
    auto second = peer();
    REQUIRE(first.receive(patience));
    REQUIRE(second.receive(patience));
    auto third = peer();
    REQUIRE(store.process.wait_line(Stream::error, "handshake_refused reason=connections"));
    CHECK(order(context, store, "health", json::object(), false).code == "200");
    CHECK(order(context, store, "drain", json::object()).code == "200");
    CHECK(store.process.wait_exit() == Exit::with(0));
}

TEST_CASE("admin: a relay is paused and goes on", "[process][admin]") {
    const ScratchFolder folder;
    Administered relay = start({FLOTILLA_RELAY_PROGRAM, "streamer", "--frontend",
                                "tcp://127.0.0.1:*", "--backend", "tcp://127.0.0.1:*"},
                               folder);
    const auto shown = [&] { return relay.status()["objects"]["relay"][0]; };
    const std::string name = shown()["name"];
    CHECK(shown()["state"] == "running");
    CHECK(http_post(relay.http(), "/api/relays/" + name + "/pause", "{}").code == 401);
    CHECK(http_post(relay.http(), "/api/relays/none/pause", "{}", authorized).code == 404);
    CHECK(http_post(relay.http(), "/api/relays/" + name + "/pause", "{}", authorized).code == 200);
    CHECK(shown()["state"] == "paused");
    CHECK(shown()["paused"] == 1);
    CHECK(relay.status()["warnings"][0].get<std::string>().find("was paused") != std::string::npos);
    CHECK(http_post(relay.http(), "/api/relays/" + name + "/resume", "{}", authorized).code == 200);
    CHECK(shown()["state"] == "running");
    CHECK(relay.status()["warnings"].empty());
    CHECK(promtool(http_get(relay.http(), "/metrics").body) == "");
    CHECK(promtool(http_get(relay.http(), "/metrics/relays").body) == "");
}

TEST_CASE("admin: a broker shows its services, and a drain by HTTP is answered before the end",
          "[process][admin]") {
    const ScratchFolder folder;
    Administered broker = start({FLOTILLA_BROKER_PROGRAM, "--bind", "tcp://127.0.0.1:*"}, folder);
    CHECK(broker.status()["totals_kind"] == "broker");
    CHECK(promtool(http_get(broker.http(), "/metrics").body) == "");
    CHECK(http_get(broker.http(), "/metrics/services").code == 200);
    CHECK(http_post(broker.http(), "/api/reload", "{}", authorized).code == 200);
    CHECK(http_post(broker.http(), "/api/drain", "{}", authorized).code == 200);
    CHECK(broker.process.wait_exit() == Exit::with(0));
}

TEST_CASE("admin: after a restart a store shows queues that nobody has used yet",
          "[process][admin]") {
    const ScratchFolder folder;
    auto context = *net::Context::open();
    {
        Administered store = start_store(folder);
        REQUIRE(tell(context, store, "create", "queue=mail") == "ok");
        REQUIRE(tell(context, store, "put", "queue=mail", "hello") == "ok");
        store.process.signal(SIGKILL);
        (void)store.process.wait_exit();
    }
    const Administered store = start_store(folder);
    const json status = store.status();
    REQUIRE(status["objects"]["queue"].size() == 1);
    CHECK(status["objects"]["queue"][0]["name"] == "mail");
    CHECK(status["objects"]["queue"][0]["ready"] == 1);
    CHECK(status["totals"]["ready"] == 1);
    const std::string metrics = http_get(store.http(), "/metrics").body;
    CHECK(metrics.find("flotilla_store_messages{state=\"ready\"} 1\n") != std::string::npos);
}

TEST_CASE("admin: consumers and connections of a store are shown", "[process][admin]") {
    const ScratchFolder folder;
    const Administered store = start_store(folder);
    auto context = *net::Context::open();
    REQUIRE(tell(context, store, "create", "queue=mail") == "ok");
    auto consumer = *net::Socket::open(context, net::SocketType::dealer);
    REQUIRE(consumer.connect(*net::Endpoint::parse(store.said["endpoints"][0].get<std::string>())));
    wire::Frames hello{"FLQ1", "hello", "c", "queue=mail\ncredit=7\nworker=me"};
    REQUIRE(consumer.send(hello, patience));
    REQUIRE(consumer.receive(patience));

    const json all = store.status("?kind=session")["objects"]["session"];
    REQUIRE(all.size() == 1);
    CHECK(all[0]["queue"] == "mail");
    CHECK(all[0]["consumer"] == "me");
    CHECK(all[0]["credit"] == 7);
    const std::string connection = all[0]["connection"];
    CHECK(connection.starts_with("127.0.0.1:"));
    const json of_it = store.status("?kind=connection&rows=1&prefix=127.0.0.1");
    CHECK(of_it["objects"]["connection"].size() == 1);
    const json connections = store.status("?kind=connection")["objects"]["connection"];
    const auto shown = std::find_if(connections.begin(), connections.end(),
                                    [&](const json& each) { return each["name"] == connection; });
    REQUIRE(shown != connections.end());
    CHECK((*shown)["listener"] == store.said["endpoints"][0]);
    CHECK((*shown)["received_bytes"].get<double>() > 64);
    // They come and go: as metrics each would be a series for ever.
    CHECK(http_get(store.http(), "/metrics/connections").code == 404);
    CHECK(http_get(store.http(), "/metrics/sessions").code == 404);

    // The admin endpoint's own are among them.
    const Said said = order(context, store, "status", {{"kind", "connection"}}, false);
    REQUIRE(said.code == "200");
    bool has_admin = false;
    for (const json& each : said.body["objects"]["connection"])
        has_admin = has_admin || each["listener"] == store.said["admin"];
    CHECK(has_admin);
}

TEST_CASE("admin: a broker shows its workers and how they are connected", "[process][admin]") {
    const ScratchFolder folder;
    const Administered broker =
        start({FLOTILLA_BROKER_PROGRAM, "--bind", "tcp://127.0.0.1:*"}, folder);
    auto context = *net::Context::open();
    net::SocketOptions options;
    options.routing_id = "worker-1";
    auto worker = *net::Socket::open(context, net::SocketType::dealer, std::move(options));
    REQUIRE(worker.connect(*net::Endpoint::parse(broker.said["endpoints"][0].get<std::string>())));
    wire::Frames ready{"", "MDPW02", "\x01", "echo"};
    REQUIRE(worker.send(ready, patience));
    REQUIRE(worker.receive(patience)); // a heartbeat: it is registered
    const json workers = broker.status("?kind=worker")["objects"]["worker"];
    REQUIRE(workers.size() == 1);
    CHECK(workers[0]["name"] == "776f726b65722d31");
    CHECK(workers[0]["service"] == "echo");
    CHECK(workers[0]["dialect"] == "mdp-0.2");
    CHECK(workers[0]["held"] == 0);
    CHECK(workers[0]["connection"].get<std::string>().starts_with("127.0.0.1:"));
    CHECK(http_get(broker.http(), "/metrics/workers").code == 404);
}

TEST_CASE("admin: a relay whose sides only connect has an admin endpoint that listens",
          "[process][admin]") {
    const ScratchFolder folder;
    const Administered relay = start({FLOTILLA_RELAY_PROGRAM, "streamer", "--frontend",
                                      ">tcp://127.0.0.1:1", "--backend", ">tcp://127.0.0.1:1"},
                                     folder);
    auto context = *net::Context::open();
    const Said said = order(context, relay, "status", json::object(), false);
    CHECK(said.code == "200");
    REQUIRE(said.body["objects"]["connection"].size() == 1);
    CHECK(said.body["objects"]["connection"][0]["listener"] == relay.said["admin"]);
}

TEST_CASE("admin: HTTP beyond this machine needs a token, and a token file that is nobody else's",
          "[process][admin]") {
    const ScratchFolder folder;
    const auto refused = [&](std::vector<std::string> more) {
        more.insert(more.begin(), {FLOTILLA_BROKER_PROGRAM, "--bind", "tcp://127.0.0.1:*"});
        const Completed ended = run_program(more);
        CHECK(ended.exit == Exit::with(2));
        return ended.error;
    };
    CHECK(refused({"--admin-http", "0.0.0.0:0"}).find("--admin-token (admin_token)") !=
          std::string::npos);
    const std::string port_alone = refused({"--admin-http", "9640"});
    CHECK(port_alone.find("--admin-http (admin_http): ") != std::string::npos);
    CHECK(port_alone.find("127.0.0.1:9640") != std::string::npos);
    const std::string token = token_file(folder);
    std::filesystem::permissions(token, std::filesystem::perms{0644});
    CHECK(refused({"--admin-http", "127.0.0.1:0", "--admin-token", token}).find("chmod 600") !=
          std::string::npos);
}
