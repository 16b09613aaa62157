// SPDX-License-Identifier: Apache-2.0
#include <flotilla/request/codec.hpp>
#include <flotilla/request/message_pack.hpp>

#include <support/catch.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace flotilla;
using namespace flotilla::request;

namespace {

Message request_to_worker(std::string_view token, std::string_view body) {
    Message message;
    message.side = Side::worker;
    message.verb = Verb::request;
    message.address = Blob::copy(token);
    message.service = Blob::copy("echo");
    message.id = "id-" + std::string(token);
    message.attempt = 2;
    message.expires = 5s;
    message.body.add(body);
    return message;
}

Message answer_of_worker(std::string_view token, std::string_view body) {
    Message message;
    message.side = Side::worker;
    message.verb = Verb::final;
    message.address = Blob::copy(token);
    message.body.add(body);
    message.body.add(ByteView{}); // frames stay apart
    return message;
}

template <class... Messages>
wire::Frames pack_of(const Messages&... messages) {
    PackWriter writer;
    (writer.add(messages), ...);
    wire::Frames frames;
    writer.finish(frames);
    CHECK(writer.count() == 0);
    return frames;
}

// As it would be sent alone.
wire::Frames alone(Message message) {
    wire::Frames frames;
    write(std::move(message), frames);
    return frames;
}

wire::Frames with_entries(std::string_view entries) {
    return {"FLR1", "pack", "", "", "", entries};
}

} // namespace

TEST_CASE("a pack holds what was put into it, in order, as if each had come alone") {
    wire::Frames pack = pack_of(request_to_worker("a", "1"), request_to_worker("b", ""),
                                request_to_worker("c", std::string(2'000, 'x')));
    REQUIRE(PackReader::is_pack(pack));
    PackReader reader(std::move(pack), PackReader::At::worker);
    for (const auto& [token, body] : std::vector<std::pair<std::string, std::string>>{
             {"a", "1"}, {"b", ""}, {"c", std::string(2'000, 'x')}}) {
        auto message = reader.next();
        REQUIRE(message);
        REQUIRE(*message);
        CHECK(alone(std::move(**message)) == alone(request_to_worker(token, body)));
    }
    CHECK_FALSE(reader.next());
}

TEST_CASE("a pack of messages that were staged reads as one of the messages") {
    wire::StagedMessages staged;
    PackWriter writer;
    const std::vector<std::pair<std::string, std::string>> requests{
        {"a", "1"}, {"b", ""}, {"c", std::string(PackWriter::body_bytes_max, 'x')}};
    for (const auto& [token, body] : requests) {
        staged.begin("worker", 0, PackWriter::body_bytes_max);
        write(request_to_worker(token, body), staged);
        const wire::StagedMessages::Message message = staged[staged.size() - 1];
        REQUIRE(message.large.empty());
        ByteView rest = message.small;
        CHECK(wire::StagedMessages::next(rest) == "worker");
        CHECK(wire::StagedMessages::next(rest) == header(Dialect::flotilla, Side::worker));
        writer.add(rest, message.count - 2);
    }
    wire::Frames pack;
    writer.finish(pack);
    PackReader reader(std::move(pack), PackReader::At::worker);
    for (const auto& [token, body] : requests) {
        auto message = reader.next();
        REQUIRE(message);
        REQUIRE(*message);
        CHECK(alone(std::move(**message)) == alone(request_to_worker(token, body)));
    }
    CHECK_FALSE(reader.next());
}

TEST_CASE("a pack of answers is read by the broker, frame by frame") {
    PackReader reader(pack_of(answer_of_worker("a", "1"), answer_of_worker("b", "2")),
                      PackReader::At::broker);
    CHECK(alone(std::move(**reader.next())) == alone(answer_of_worker("a", "1")));
    CHECK(alone(std::move(**reader.next())) == alone(answer_of_worker("b", "2")));
    CHECK_FALSE(reader.next());
}

TEST_CASE("an entry that is wrong is told, and those behind it are read") {
    Message wrong = answer_of_worker("a", "1");
    wrong.verb = Verb::request; // of a worker, at the broker: a client's, without an id
    wire::Frames pack = pack_of(wrong, answer_of_worker("c", "3"));
    PackReader reader(std::move(pack), PackReader::At::broker);
    const auto first = reader.next();
    REQUIRE(first);
    CHECK_FALSE(*first);
    CHECK(reader.origin().side == Side::client);
    CHECK((**reader.next()).address == ByteView{"c"});
}

TEST_CASE("a pack in a pack is not read") {
    wire::Writer entries;
    entries.u16(5).long_bytes("pack").u32(0).u32(0).u32(0).long_bytes("x");
    PackReader reader(with_entries(entries.view()), PackReader::At::broker);
    CHECK((*reader.next()).error().code == Errc::unsupported);
    CHECK_FALSE(reader.next());
}

TEST_CASE("a pack that is cut off anywhere ends with one error, and what is whole is read") {
    const wire::Frames whole = pack_of(answer_of_worker("a", "1"), answer_of_worker("b", "2"));
    const std::string entries{whole.back().view()};
    for (std::size_t size = 0; size < entries.size(); ++size) {
        INFO(size << " bytes");
        PackReader reader(with_entries(std::string_view{entries}.substr(0, size)),
                          PackReader::At::broker);
        std::size_t good = 0;
        std::size_t bad = 0;
        while (auto message = reader.next())
            ++(*message ? good : bad);
        CHECK(good == (size >= entries.size() / 2 ? 1 : 0));
        CHECK(bad == (size == 0 || size == entries.size() / 2 ? 0 : 1));
    }
}

TEST_CASE("an entry without frames, or with more than a message has, is broken") {
    for (const std::uint16_t frames : {std::uint16_t{0}, std::uint16_t{1'025}}) {
        wire::Writer entries;
        entries.u16(frames).bytes(std::string(8'000, '\0'));
        PackReader reader(with_entries(entries.view()), PackReader::At::broker);
        CHECK((*reader.next()).error().code == Errc::malformed);
        CHECK(reader.origin().side == Side::client);
        CHECK(reader.origin().id.empty());
        CHECK_FALSE(reader.next());
    }
}

TEST_CASE("a pack of more messages than one may have is read as far as it may be") {
    wire::Writer entries;
    for (std::size_t i = 0; i < PackReader::messages_max + 2; ++i) {
        entries.u16(i < PackReader::messages_max ? 1 : 2);
        entries.long_bytes("ping");
        if (i >= PackReader::messages_max)
            entries.long_bytes(std::string(16, 'i'));
    }
    PackReader reader(with_entries(entries.view()), PackReader::At::broker);
    for (std::size_t i = 0; i < PackReader::messages_max; ++i) {
        const auto message = reader.next();
        REQUIRE(message);
        CHECK(message->has_value());
    }
    const auto beyond = reader.next();
    REQUIRE(beyond);
    REQUIRE_FALSE(*beyond);
    CHECK(beyond->error().code == Errc::too_many);
    CHECK(reader.origin().id == std::string(16, 'i'));
    CHECK_FALSE(reader.next());
}

TEST_CASE("large bodies, other dialects and delimited messages travel alone") {
    CHECK(PackWriter::takes(request_to_worker("a", std::string(2'048, 'x'))));
    CHECK_FALSE(PackWriter::takes(request_to_worker("a", std::string(2'049, 'x'))));
    Message delimited = request_to_worker("a", "1");
    delimited.delimited = true;
    CHECK_FALSE(PackWriter::takes(delimited));
    Message of_rfc = request_to_worker("a", "1");
    of_rfc.dialect = Dialect::mdp_02;
    CHECK_FALSE(PackWriter::takes(of_rfc));
}

TEST_CASE("a pack is full by messages and by bytes") {
    PackWriter by_count;
    while (by_count.has_room())
        by_count.add(answer_of_worker("a", ""));
    CHECK(by_count.count() == PackWriter::messages_max);
    PackWriter by_bytes;
    while (by_bytes.has_room())
        by_bytes.add(answer_of_worker("a", std::string(2'000, 'x')));
    wire::Frames frames;
    by_bytes.finish(frames);
    CHECK(frames.bytes() >= PackWriter::bytes_max);
    CHECK(frames.bytes() < PackWriter::bytes_max + 4'096);
}
