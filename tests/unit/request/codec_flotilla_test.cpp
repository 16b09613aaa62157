// SPDX-License-Identifier: Apache-2.0
//
// Every verb of the flotilla dialect, byte for byte, and what is refused.
#include <flotilla/request/codec.hpp>

#include <support/catch.hpp>

#include <string>
#include <utility>

using namespace flotilla;
using namespace flotilla::request;
using wire::Frames;

namespace {

using Read = Result<Message> (*)(Frames&);

Message expect(Read read, Frames frames) {
    auto message = read(frames);
    REQUIRE(message);
    CHECK(message->dialect == Dialect::flotilla);
    return std::move(*message);
}

// What is read and written again stands as it came.
Message expect_same(Read read, Frames frames) {
    Frames before = frames.share();
    Message message = expect(read, std::move(frames));
    Message copy;
    copy.side = message.side;
    copy.verb = message.verb;
    copy.delimited = message.delimited;
    copy.service = message.service.share();
    copy.address = message.address.share();
    copy.body = message.body.share();
    copy.id = message.id;
    copy.attempt = message.attempt;
    copy.part = message.part;
    copy.kept = message.kept;
    copy.expires = message.expires;
    copy.capacity = message.capacity;
    copy.code = message.code;
    copy.text = message.text;
    Frames written;
    write(std::move(copy), written);
    CHECK(written == before);
    return message;
}

Errc refused_flotilla(Read read, Frames frames) {
    Frames before = frames.share();
    const auto message = read(frames);
    REQUIRE_FALSE(message);
    CHECK(frames == before);
    return message.error().code;
}

const std::string token("boot\0\0\0\1\0\0\0\0\0\0\0\x7", 16);

} // namespace

TEST_CASE("a client's verbs are read and written") {
    const Message request = expect_same(read_at_broker, {"FLR1", "request", "id-1", "echo",
                                                         "attempt=2\nexpires_ms=1500\n", "a", "b"});
    CHECK(request.side == Side::client);
    CHECK(request.verb == Verb::request);
    CHECK(request.id == "id-1");
    CHECK(request.service == ByteView{"echo"});
    CHECK(request.attempt == 2);
    CHECK(request.expires == Duration{1500ms});
    CHECK(request.body == Frames{"a", "b"});
    CHECK(expect_same(read_at_broker, {"FLR1", "cancel", "id-1", "echo", ""}).verb == Verb::cancel);
    const Message ping = expect_same(read_at_broker, {"FLR1", "ping", "any bytes \x01", "", ""});
    CHECK(ping.id == "any bytes \x01");
    CHECK(ping.side == Side::client);
}

TEST_CASE("what a client is told is read and written") {
    CHECK(expect_same(read_at_client, {"FLR1", "pong", "c", "", ""}).verb == Verb::pong);
    const Message partial =
        expect_same(read_at_client, {"FLR1", "partial", "id", "echo", "attempt=2\npart=3\n", "a"});
    CHECK(partial.part == 3);
    CHECK(partial.attempt == 2);
    const Message final =
        expect_same(read_at_client, {"FLR1", "final", "id", "echo", "kept=yes\n", "a", ""});
    CHECK(final.kept);
    CHECK(final.body == Frames{"a", ""});
    const Message error =
        expect_same(read_at_client, {"FLR1", "error", "id", "echo",
                                     "code=queue_full\ntext=come back later\nkept=yes\n"});
    CHECK(error.code == ErrorCode::queue_full);
    CHECK(error.text == "come back later");
}

TEST_CASE("a worker's verbs are read and written") {
    const Message ready =
        expect_same(read_at_broker, {"FLR1", "ready", "", "echo", "capacity=16\n"});
    CHECK(ready.side == Side::worker);
    CHECK(ready.capacity == 16);
    CHECK(ready.service == ByteView{"echo"});
    CHECK(expect(read_at_broker, {"FLR1", "ready", "", "echo"}).capacity == 1);
    Message partial = expect(read_at_broker, {"FLR1", "partial", token, "", "", "a"});
    CHECK(partial.side == Side::worker);
    CHECK(partial.address == ByteView{token});
    CHECK(expect_same(read_at_broker, {"FLR1", "final", token, "", "", "a"}).verb == Verb::final);
    const Message error =
        expect_same(read_at_broker, {"FLR1", "error", token, "", "code=retry\ntext=busy\n"});
    CHECK(error.code == ErrorCode::retry);
    CHECK(error.address == ByteView{token});
    for (const ByteView verb : {"draining", "heartbeat", "disconnect"}) {
        CHECK(expect_same(read_at_broker, {"FLR1", verb, "", "", ""}).side == Side::worker);
        CHECK(expect(read_at_broker, {"FLR1", verb}).side == Side::worker);
    }
}

TEST_CASE("what a worker is told is read and written") {
    const Message request =
        expect_same(read_at_worker,
                    {"FLR1", "request", token, "echo", "attempt=3\nexpires_ms=20\nid=id-1\n", "a"});
    CHECK(request.address == ByteView{token});
    CHECK(request.service == ByteView{"echo"});
    CHECK(request.id == "id-1");
    CHECK(request.attempt == 3);
    CHECK(expect_same(read_at_worker, {"FLR1", "cancel", token, "", ""}).verb == Verb::cancel);
    CHECK(expect_same(read_at_worker, {"FLR1", "heartbeat", "", "", ""}).verb == Verb::heartbeat);
    const Message over = expect_same(
        read_at_worker, {"FLR1", "disconnect", "", "", "code=not_allowed\ntext=mmi is mine\n"});
    CHECK(over.code == ErrorCode::not_allowed);
}

TEST_CASE("a REQ may speak the dialect: the empty frame is taken and given back") {
    CHECK(expect_same(read_at_broker, {"", "FLR1", "ping", "", "", ""}).delimited);
}

TEST_CASE("empty frames at the end may be left out") {
    CHECK(expect(read_at_broker, {"FLR1", "request", "id", "echo"}).body == Frames{""});
    CHECK(expect(read_at_broker, {"FLR1", "request", "id", "echo", ""}).body == Frames{""});
    CHECK(expect(read_at_broker, {"FLR1", "ping"}).id.empty());
    CHECK(expect(read_at_broker, {"FLR1", "final", token}).body == Frames{""});
    CHECK(expect(read_at_client, {"FLR1", "final", "id", "echo"}).body == Frames{""});
}

TEST_CASE("unknown options are ignored, and unknown codes read as unknown") {
    CHECK(expect(read_at_broker, {"FLR1", "request", "id", "echo", "colour=red\n", "x"}).attempt ==
          1);
    CHECK(expect(read_at_client, {"FLR1", "error", "id", "echo", "code=on_fire\n"}).code ==
          ErrorCode::unknown);
    CHECK_FALSE(expect(read_at_broker, {"FLR1", "request", "id", "echo", "", "x"}).expires);
}

TEST_CASE("texts are cut when they are written, and line feeds do not break out of them") {
    Message error;
    error.verb = Verb::error;
    error.side = Side::client;
    error.id = "id";
    error.service = Blob::copy("echo");
    error.code = ErrorCode::expired;
    error.text = "two\ncode=final" + std::string(2000, 'x');
    Frames written;
    write(std::move(error), written);
    const Message back = expect(read_at_client, std::move(written));
    CHECK(back.code == ErrorCode::expired);
    CHECK(back.text.size() == limits::text_bytes_max);
    CHECK(back.text.substr(0, 14) == "two code=final");
}

TEST_CASE("what does not follow the dialect is refused") {
    const auto broker = [](Frames frames) {
        return refused_flotilla(read_at_broker, std::move(frames));
    };
    CHECK(broker({"FLR1"}) == Errc::unsupported);
    CHECK(broker({"FLR1", "REQUEST", "id", "echo", "", "x"}) == Errc::unsupported);
    CHECK(broker({"FLR2", "request", "id", "echo", "", "x"}) == Errc::unsupported);
    CHECK(broker({"FLR1", "pong", ""}) == Errc::malformed);
    CHECK(broker({"FLR1", "request", "", "echo", "", "x"}) == Errc::malformed);
    CHECK(broker({"FLR1", "request", "a b", "echo", "", "x"}) == Errc::malformed);
    CHECK(broker({"FLR1", "request", "\xc3\xa4", "echo", "", "x"}) == Errc::malformed);
    CHECK(broker({"FLR1", "request", std::string(65, 'i'), "echo", "", "x"}) == Errc::malformed);
    CHECK(broker({"FLR1", "request", "id", "", "", "x"}) == Errc::malformed);
    CHECK(broker({"FLR1", "request", "id"}) == Errc::malformed);
    CHECK(broker({"FLR1", "request", "id", std::string(256, 's'), "", "x"}) == Errc::malformed);
    CHECK(broker({"FLR1", "request", "id", "echo", "attempt=0\n", "x"}) == Errc::bad_option);
    CHECK(broker({"FLR1", "request", "id", "echo", "expires_ms=86400001\n", "x"}) ==
          Errc::bad_option);
    CHECK(broker({"FLR1", "request", "id", "echo", "attempt", "x"}) == Errc::malformed);
    CHECK(broker({"FLR1", "cancel", "id", "echo", "", "x"}) == Errc::malformed);
    CHECK(broker({"FLR1", "ping", std::string(65, 'c')}) == Errc::too_large);
    CHECK(broker({"FLR1", "ready", "", "echo", "capacity=0\n"}) == Errc::bad_option);
    CHECK(broker({"FLR1", "ready", "", "echo", "capacity=10001\n"}) == Errc::bad_option);
    CHECK(broker({"FLR1", "ready", "", ""}) == Errc::malformed);
    CHECK(broker({"FLR1", "heartbeat", "", "", "", "x"}) == Errc::malformed);
    CHECK(broker({"FLR1", "error", token, "", ""}) == Errc::bad_option);
    CHECK(broker({"FLR1", "final", std::string(256, 't'), "", "", "x"}) == Errc::too_large);
    CHECK(refused_flotilla(read_at_client, {"FLR1", "request", "id", "echo", "", "x"}) ==
          Errc::malformed);
    CHECK(refused_flotilla(read_at_client, {"FLR1", "final", "", "echo", "", "x"}) ==
          Errc::malformed);
    CHECK(refused_flotilla(read_at_client, {"FLR1", "final", "id", "echo", "kept=1\n", "x"}) ==
          Errc::bad_option);
    CHECK(refused_flotilla(read_at_worker, {"FLR1", "ready", "", "echo"}) == Errc::malformed);
    CHECK(refused_flotilla(read_at_worker, {"FLR1", "request", token, "echo", "id=a b\n", "x"}) ==
          Errc::bad_option);
    Frames many{"FLR1", "request", "id", "echo", ""};
    for (int i = 0; i < 1001; ++i)
        many.add(ByteView{"x"});
    CHECK(broker(std::move(many)) == Errc::too_many);
}

TEST_CASE("of a refused message is told which request it was about") {
    const auto request = read_origin_at_broker({"", "FLR1", "request", "id", "echo", "attempt=x"});
    REQUIRE(request);
    CHECK(request->side == Side::client);
    CHECK(request->id == "id");
    CHECK(request->service == ByteView{"echo"});
    CHECK(request->delimited);
    CHECK(read_origin_at_broker({"FLR1", "ready", "", ""})->side == Side::worker);
    CHECK(read_origin_at_broker({"FLR1", "tomorrow", "a b", ""})->id.empty());
    CHECK(read_origin_at_broker({"FLR1"})->side == Side::client);
}
