// SPDX-License-Identifier: Apache-2.0
#include <admin/http_routes.hpp>
#include <admin/http_wire.hpp>
#include <netinet/tcp.h>
#include <nlohmann/json.hpp>
#include <support/admin_loop.hpp>
#include <support/catch.hpp>
#include <support/http_client.hpp>

#include <memory>
#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::admin;
using flotilla::admin::test::AdminLoop;
using flotilla::test::HttpClient;
using nlohmann::json;

namespace {

struct HttpWorld {
    AdminLoop loop{1'000};
    Office office{loop.desk(), loop.audit(), {"fake", Token{}, Office::Reading::open}};
    HttpServer server =
        *HttpServer::open(*parse_http_address("127.0.0.1:0"), {"fleet.example"},
                          [this](const HttpRequest& request) { return answer(office, request); });

    std::string ask(const std::string& text) {
        HttpClient client(server.address().port);
        client.say(text);
        return client.rest();
    }
    std::string get(const std::string& path, const std::string& headers = "") {
        return ask("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + headers + "\r\n");
    }
    int code(const std::string& path, const std::string& headers = "") {
        return std::stoi(get(path, headers).substr(9));
    }
};

std::string body(const std::string& answer) {
    return answer.substr(answer.find("\r\n\r\n") + 4);
}

HttpRequest asked(std::string method, std::string path, std::string text = {}) {
    HttpRequest request;
    request.method = std::move(method);
    request.path = std::move(path);
    request.body = std::move(text);
    return request;
}

} // namespace

TEST_CASE("http: health, metrics, status and the console are there", "[unit][admin]") {
    HttpWorld world;
    CHECK(world.code("/healthz") == 200);
    CHECK(world.code("/readyz") == 200);
    CHECK(world.get("/metrics").find("\nflotilla_ready 1\n") != std::string::npos);
    CHECK(world.get("/metrics/queues?prefix=queue-000").find("queue=\"queue-0009\"") !=
          std::string::npos);
    CHECK(world.code("/metrics/workers") == 404);
    const json status =
        json::parse(body(world.get("/api/status?kind=queue&rows=3&after=queue-0009")));
    CHECK(status["objects"]["queue"][0]["name"] == "queue-0010");
    CHECK(status["left_out"]["queue"] == 987);
    CHECK(world.get("/").find("Location: /console/") != std::string::npos);
    CHECK(world.get("/console/").find("Content-Security-Policy") != std::string::npos);
    CHECK(world.code("/console/../etc/passwd") == 404);
    CHECK(world.code("/nowhere") == 404);
}

TEST_CASE("http: only names of ours are asked for, and only JSON is posted", "[unit][admin]") {
    HttpWorld world;
    const auto host = [&](const std::string& name) {
        return std::stoi(
            world.ask("GET /healthz HTTP/1.1\r\nHost: " + name + "\r\n\r\n").substr(9));
    };
    CHECK(host("evil.example") == 403);
    CHECK(host("127.0.0.1.evil.example:80") == 403);
    CHECK(host("fleet.example:9640") == 200);
    CHECK(host("[::1]:9640") == 200);
    CHECK(host("LOCALHOST") == 200);
    const auto post = [&](const std::string& headers, const std::string& text) {
        return std::stoi(world
                             .ask("POST /api/drain HTTP/1.1\r\nHost: localhost\r\n" + headers +
                                  "Content-Length: " + std::to_string(text.size()) + "\r\n\r\n" +
                                  text)
                             .substr(9));
    };
    CHECK(post("Content-Type: text/plain\r\n", "{}") == 415);
    CHECK(post("Content-Type: multipart/form-data; boundary=x\r\n", "--x--") == 415);
    CHECK(post("Content-Type: application/json\r\nContent-Encoding: gzip\r\n", "{}") == 415);
    CHECK(post("Content-Type: application/json\r\n", "[]") == 400);
    CHECK(post("Content-Type: application/json\r\n", "{}") == 401);
    CHECK(world.loop.orders().empty());
}

TEST_CASE("http: a request has one Host, and a body has its length", "[unit][admin]") {
    HttpWorld world;
    const auto code = [&](const std::string& text) { return std::stoi(world.ask(text).substr(9)); };
    CHECK(code("GET /healthz HTTP/1.1\r\n\r\n") == 400);
    CHECK(code("GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n") == 400);
    CHECK(code("GET /healthz HTTP/1.1\r\nHost: localhost\r\nhost: evil.example\r\n\r\n") == 400);
    CHECK(code("GET /healthz HTTP/1.0\r\n\r\n") == 200); // it need not say one
    const std::string post = "POST /api/drain HTTP/1.1\r\nHost: localhost\r\n"
                             "Content-Type: application/json\r\n";
    CHECK(code(post + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n") == 411);
    CHECK(code(post + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}") == 411);
    CHECK(code(post + "Content-Length: 2\r\n\r\n{}") == 401);
    CHECK(world.loop.orders().empty());
}

TEST_CASE("http: what is too long, too odd or cut short ends its own connection only",
          "[unit][admin]") {
    HttpWorld world;
    CHECK(world.code("/" + std::string(2'000, 'a')) == 414);
    CHECK(world.ask("GET / HTTP/1.1\r\n" + std::string(100'000, 'h')).size() < 1'000);
    std::string headers;
    for (int i = 0; i < 10'000; ++i)
        headers += "X-" + std::to_string(i) + ": y\r\n";
    CHECK(world.get("/healthz", headers).find(" 200 ") == std::string::npos);
    CHECK(world.ask("DELETE /api/status HTTP/1.1\r\nHost: localhost\r\n\r\n").find(" 405 ") !=
          std::string::npos);
    (void)world.ask("\r\n\r\n");
    (void)world.ask(std::string("\0\xff\x16\x03", 4) + "\r\n\r\n");
    (void)world.ask("POST /api/drain HTTP/1.1\r\nContent-Type: application/json\r\n"
                    "Content-Length: 99999999999999999999\r\n\r\n{}");
    CHECK(world
              .ask("POST /api/drain HTTP/1.1\r\nHost: localhost\r\n"
                   "Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n" +
                   std::string(1'000, ' '))
              .find(" 413 ") != std::string::npos);
    std::string ranges = "Range: bytes=0-";
    for (int i = 0; i < 1'000; ++i)
        ranges += ",0-";
    CHECK(world.get("/metrics/queues", ranges + "\r\n").size() < 2'000'000);
    CHECK(world.code("/healthz") == 200);
}

TEST_CASE("http: clients that say nothing, or trickle, keep nobody else from asking",
          "[unit][admin]") {
    HttpWorld world;
    std::vector<std::unique_ptr<HttpClient>> slow;
    const auto add = [&](const std::string& text) {
        slow.push_back(std::make_unique<HttpClient>(world.server.address().port));
        slow.back()->say(text);
    };
    for (std::size_t i = 0; i < 2 * HttpServer::connections_max; ++i) // half of them have to go
        add(i % 2 == 0 ? "" : "GET /api/status HTTP/1.1\r\nX-Slow: ");
    add("POST /api/drain HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{");
    CHECK(world.code("/healthz") == 200);
    CHECK(slow.back()->is_open()); // it was not waited for
    for (const auto& each : slow)
        CHECK(each->rest().find(" 200 ") == std::string::npos);
}

TEST_CASE("http: clients that do not read keep nobody else from asking", "[unit][admin]") {
    HttpWorld world;
    std::vector<std::unique_ptr<HttpClient>> deaf;
    for (std::size_t i = 0; i < 2 * HttpServer::threads_max; ++i) {
        deaf.push_back(std::make_unique<HttpClient>(world.server.address().port));
        deaf.back()->say("GET /api/status?kind=queue HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }
    for (int i = 0; i < 20; ++i)
        CHECK(world.code("/healthz") == 200);
    for (const auto& each : deaf) // it is all there for who reads late
        CHECK(each->rest().find("queue-0999") != std::string::npos);
}

TEST_CASE("http: a request may come in pieces", "[unit][admin]") {
    HttpWorld world;
    HttpClient client(world.server.address().port);
    for (const char c : std::string(
             "POST /api/drain HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
             "content-LENGTH:  2\r\n\r\n{}"))
        client.say(std::string(1, c));
    CHECK(client.rest().find(" 401 ") != std::string::npos);
}

TEST_CASE("http: how long a request is, is known once its head has ended", "[unit][admin]") {
    CHECK(http_request_size("GET / HTTP/1.1\r\n\r") == 0);
    CHECK(http_request_size("GET / HTTP/1.1\r\n\r\nmore") == 18);
    CHECK(http_request_size(
              "POST / HTTP/1.1\r\nX: content-length: 7\r\nContent-Length: 5\r\n\r\n") == 65);
    // What is not taken is not waited for.
    CHECK(http_request_size("POST / HTTP/1.1\r\nContent-Length: 65537\r\n\r\n") == 42);
    CHECK(http_request_size("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n") == 39);
    CHECK(http_request_size("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n") == 47);
}

TEST_CASE("http: stopping waits for no client", "[unit][admin]") {
    HttpWorld world;
    HttpClient silent(world.server.address().port);
    silent.say("GET / HTTP/1.1\r\n");
    CHECK(world.code("/healthz") == 200);
    world.server.stop();
    CHECK(silent.rest().find(" 200 ") == std::string::npos);
}

TEST_CASE("http: a port that is taken is not shared", "[unit][admin]") {
    HttpWorld world;
    const auto second = HttpServer::open(world.server.address(), {},
                                         [](const HttpRequest&) { return HttpAnswer{}; });
    REQUIRE_FALSE(second);
    CHECK(second.error().code == Errc::address_in_use);
}

TEST_CASE("http: many connections at once may wait to be accepted", "[unit][admin]") {
    const HttpWorld world;
    int waiting = -1;
    for (int each = 0; each < 1024; ++each) {
        sockaddr_in address{};
        socklen_t size = sizeof address;
        int listens = 0;
        socklen_t listens_size = sizeof listens;
        if (::getsockopt(each, SOL_SOCKET, SO_ACCEPTCONN, &listens, &listens_size) != 0 ||
            listens == 0 ||
            ::getsockname(each, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
            ntohs(address.sin_port) != world.server.address().port)
            continue;
        tcp_info info{};
        socklen_t info_size = sizeof info;
        REQUIRE(::getsockopt(each, IPPROTO_TCP, TCP_INFO, &info, &info_size) == 0);
        waiting = static_cast<int>(info.tcpi_sacked); // of a listening socket: its backlog
    }
    CHECK(waiting >= 128); // the smallest somaxconn that systems have by themselves
}

TEST_CASE("http: paths are verbs, and names may have slashes", "[unit][admin]") {
    const auto purge = api_request(asked("POST", "/api/queues/a/b/purge"));
    REQUIRE((purge && *purge));
    CHECK((*purge)->verb == "purge");
    CHECK((*purge)->arguments.at("queue") == "a/b");
    const auto redrive = api_request(asked("POST", "/api/queues/dead/redrive", R"({"id":"17"})"));
    REQUIRE((redrive && *redrive));
    CHECK((*redrive)->arguments.at("id") == "17");
    CHECK((*redrive)->arguments.at("queue") == "dead");
    const auto message = api_request(asked("GET", "/api/queues/a/messages/b/messages/17"));
    REQUIRE((message && *message));
    CHECK((*message)->verb == "message");
    CHECK((*message)->arguments.at("queue") == "a/messages/b");
    CHECK((*message)->arguments.at("id") == "17");
    CHECK((*api_request(asked("POST", "/api/relays/prices/pause")))->arguments.at("relay") ==
          "prices");
    for (const char* bad :
         {"/api/", "/api/queues/", "/api/queues//purge", "/api/queues/purge", "/api/a/b/c"})
        CHECK_FALSE(api_request(asked("POST", bad)));
    CHECK_FALSE(api_request(asked("GET", "/api/queues/messages")));
    CHECK_FALSE(*api_request(asked("POST", "/api/drain", "[")));
}

TEST_CASE("http: addresses are literal, and one without a port is refused", "[unit][admin]") {
    CHECK(parse_http_address("127.0.0.1:9640")->is_loopback);
    CHECK(parse_http_address("localhost:0")->text() == "127.0.0.1:0");
    CHECK(parse_http_address("[::1]:9640")->is_loopback);
    CHECK_FALSE(parse_http_address("*:9640")->is_loopback);
    CHECK_FALSE(parse_http_address("10.0.0.1:9640")->is_loopback);
    for (const char* bad : {"", "9640", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:80",
                            "[::1]", "example.org:80", "127.0.0.1:80x", "[::1]x:80"}) {
        INFO(bad);
        CHECK_FALSE(parse_http_address(bad));
    }
}
