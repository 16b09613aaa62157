// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/random.hpp>
#include <flotilla/wire/pack.hpp>

#include <cli/recording/scanner.hpp>
#include <support/catch.hpp>
#include <support/seed.hpp>
#include <zlib.h>

#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::cli::recording;

namespace {

Message message_of(std::initializer_list<ByteView> frames, Duration offset = {}) {
    return Message{WallTime{1'700'000'000s + offset}, offset, Direction::received,
                   wire::Frames(frames)};
}

// A header and `count` messages "0", "1", ...; ends[i] is where message i stops.
struct Sample {
    std::string bytes;
    std::vector<std::size_t> ends;
    std::size_t header_bytes;
};

Sample sample(int count) {
    Sample made;
    made.bytes = *encode(Header{format_version, WallTime{1'700'000'000s}, "sub tcp://x:1"});
    made.header_bytes = made.bytes.size();
    for (int i = 0; i < count; ++i) {
        made.bytes += *encode(message_of({std::to_string(i), "body"}, i * 1ms));
        made.ends.push_back(made.bytes.size());
    }
    return made;
}

struct Scanned {
    std::vector<Message> messages;
    std::vector<Scanner::Gap> gaps;
    std::optional<Error> error;
    bool in_order = false;
    Scanner scanner;
};

Scanned scan(ByteView bytes, std::size_t piece = 65'536) {
    Scanned all;
    while (true) {
        Scanner::Step step = all.scanner.next();
        if (auto* message = std::get_if<Message>(&step))
            all.messages.push_back(std::move(*message));
        else if (auto* gap = std::get_if<Scanner::Gap>(&step))
            all.gaps.push_back(*gap);
        else if (std::holds_alternative<Scanner::Hungry>(step)) {
            if (bytes.empty())
                all.scanner.end_of_input();
            all.scanner.feed(bytes.substr(0, piece));
            bytes.remove_prefix(std::min(piece, bytes.size()));
        } else {
            if (auto* error = std::get_if<Error>(&step))
                all.error = *error;
            all.in_order = all.scanner.ended_in_order();
            return all;
        }
    }
}

// A record with a right checksum around any body.
std::string framed(ByteView body) {
    wire::Writer covered;
    covered.u32(static_cast<std::uint32_t>(body.size())).bytes(body);
    const auto crc =
        ::crc32_z(0, reinterpret_cast<const Bytef*>(covered.view().data()), covered.view().size());
    return std::string(marker) + covered.u32(static_cast<std::uint32_t>(crc)).take();
}

} // namespace

TEST_CASE("recording: every field of a message comes back", "[unit][recording]") {
    Message message = message_of({"topic", std::string_view("\0\xff", 2), ""}, 1500ms);
    message.direction = Direction::to_frontend;
    const std::string bytes = *encode(message);
    const auto outcome = decode_record(bytes);
    const auto& decoded = std::get<Decoded<Record>>(outcome);
    CHECK(decoded.bytes == bytes.size());
    const auto& back = std::get<Message>(decoded.value);
    CHECK(back.time == message.time);
    CHECK(back.offset == message.offset);
    CHECK(back.direction == Direction::to_frontend);
    CHECK(back.frames == message.frames);
}

TEST_CASE("recording: the bytes are those that the document shows", "[unit][recording]") {
    const std::string bytes = *encode(Message{WallTime{1ns}, 2ns, Direction::received, {"hi"}});
    const std::string_view body("\x01"
                                "\0\0\0\0\0\0\0\x01"
                                "\0\0\0\0\0\0\0\x02"
                                "\0"
                                "\0\x01"
                                "\0\0\0\x02hi",
                                1 + 8 + 8 + 1 + 2 + 6);
    CHECK(bytes.substr(0, 4) == std::string("\xF1\x07\xEC\x0D", 4));
    CHECK(bytes.substr(4, 4) == std::string("\0\0\0\x1a", 4));
    CHECK(bytes.substr(8, body.size()) == body);
    CHECK(bytes.size() == body.size() + record_overhead_bytes);
}

TEST_CASE("recording: it is read in pieces of any size", "[unit][recording]") {
    const Sample made = sample(20);
    const std::string whole = made.bytes + encode(End{20, 19ms});
    for (const std::size_t piece : std::initializer_list<std::size_t>{1, 2, 3, 7, 64, 100'000}) {
        const Scanned all = scan(whole, piece);
        INFO("pieces of " << piece);
        CHECK(all.messages.size() == 20);
        CHECK(all.gaps.empty());
        CHECK(all.in_order);
        CHECK(all.scanner.header()->source == "sub tcp://x:1");
        CHECK(all.scanner.last_offset() == 19ms);
        CHECK(all.scanner.records_end() == made.bytes.size());
    }
}

TEST_CASE("recording: cut anywhere, what came before the cut is read", "[unit][recording]") {
    const Sample made = sample(5);
    for (std::size_t cut = made.header_bytes; cut < made.bytes.size(); ++cut) {
        const Scanned all = scan(ByteView(made.bytes).substr(0, cut), 16);
        const auto whole = static_cast<std::size_t>(
            std::count_if(made.ends.begin(), made.ends.end(), [&](auto e) { return e <= cut; }));
        INFO("cut at " << cut);
        CHECK(all.messages.size() == whole);
        CHECK_FALSE(all.in_order);
        const std::size_t boundary = whole == 0 ? made.header_bytes : made.ends[whole - 1];
        if (cut == boundary) {
            CHECK(all.gaps.empty());
            continue;
        }
        REQUIRE(all.gaps.size() == 1);
        CHECK(all.gaps[0].offset == boundary);
        CHECK(all.gaps[0].bytes == cut - boundary);
        CHECK(all.gaps[0].messages_before == whole);
        CHECK(all.gaps[0].is_tail);
    }
}

TEST_CASE("recording: one damaged byte costs the message that it is in", "[unit][recording]") {
    const Sample made = sample(5);
    const std::string whole = made.bytes + encode(End{5, 4ms});
    for (std::size_t at = made.header_bytes; at < made.bytes.size(); ++at) {
        std::string bytes = whole;
        bytes[at] = static_cast<char>(bytes[at] ^ 0x55);
        const Scanned all = scan(bytes, 32);
        INFO("damaged at " << at);
        CHECK(all.messages.size() == 4);
        REQUIRE(all.gaps.size() == 1);
        CHECK_FALSE(all.gaps[0].is_tail);
        CHECK(all.gaps[0].offset <= at);
        CHECK(at < all.gaps[0].offset + all.gaps[0].bytes);
        CHECK(all.in_order);
    }
}

TEST_CASE("recording: a damaged place is described by where, what and how much",
          "[unit][recording]") {
    CHECK(describe(Scanner::Gap{4096, 57, "the record's checksum does not match", 12, false}) ==
          "damaged at byte 4096: the record's checksum does not match; 57 bytes lost, 12 messages "
          "before are good");
    CHECK(describe(Scanner::Gap{10, 1, "x", 1, true}) ==
          "cut or damaged from byte 10: x; 1 byte lost, 1 message before is good");
}

TEST_CASE("recording: what is no recording is refused by its header", "[unit][recording]") {
    CHECK(scan("").error->code == Errc::malformed);
    CHECK(scan("hello, world, this is some text").error->code == Errc::malformed);
    CHECK(scan(std::string_view("\x89"
                                "FLOT",
                                5))
              .error->code == Errc::damaged);
    std::string later = sample(0).bytes;
    later[9] = 2;
    CHECK(scan(later).error->code == Errc::unsupported);
    std::string damaged = sample(0).bytes;
    damaged.back() = static_cast<char>(damaged.back() ^ 1);
    CHECK(scan(damaged).error->code == Errc::damaged);
    CHECK(encode(Header{1, {}, std::string(source_bytes_max + 1, 'x')}).error().code ==
          Errc::too_large);
}

TEST_CASE("recording: an end marker that miscounts or is not the end is damage",
          "[unit][recording]") {
    const Sample made = sample(3);
    const Scanned miscounted = scan(made.bytes + encode(End{4, 2ms}));
    CHECK(miscounted.messages.size() == 3);
    REQUIRE(miscounted.gaps.size() == 1);
    CHECK(miscounted.gaps[0].what == "the end marker counts 4 messages, not 3");
    const Scanned followed = scan(made.bytes + encode(End{3, 2ms}) + "more");
    REQUIRE(followed.gaps.size() == 1);
    CHECK(followed.gaps[0].what == "bytes follow the end marker");
    CHECK(followed.gaps[0].bytes == 4);
}

TEST_CASE("recording: records of later kinds are passed over, sessions are counted",
          "[unit][recording]") {
    const Sample made = sample(1);
    const std::string later = framed("\x09"
                                     "what a later version says");
    CHECK(std::get<Unknown>(std::get<Decoded<Record>>(decode_record(later)).value).kind == 9);
    const Scanned all =
        scan(made.bytes + later + encode(Resumed{WallTime{5s}}) + *encode(message_of({"after"})));
    CHECK(all.messages.size() == 2);
    CHECK(all.scanner.sessions_total() == 2);
    CHECK(all.gaps.empty());
}

TEST_CASE("recording: a body with a good checksum and bad content is damage", "[unit][recording]") {
    // More frames than there are bytes for, an unknown direction, a time beyond 2262.
    Message message = message_of({"a"});
    message.direction = static_cast<Direction>(7);
    const auto outcome = decode_record(*encode(message));
    CHECK(std::get<Damaged>(outcome).what == "the record's content is malformed");
    message = message_of({"a"});
    message.offset = Duration{-1};
    CHECK(std::holds_alternative<Damaged>(decode_record(*encode(message))));
}

TEST_CASE("recording: a long run of damage is not kept in memory, and of false records not tried "
          "for ever",
          "[unit][recording]") {
    const Sample made = sample(2);
    const std::string zeros(3'000'000, '\0');
    const Scanned all = scan(made.bytes + zeros + *encode(message_of({"after"})), 4096);
    CHECK(all.messages.size() == 3);
    REQUIRE(all.gaps.size() == 1);
    CHECK(all.gaps[0].bytes == zeros.size());

    // Each claims to be a record of 64 KiB.
    std::string false_record(marker);
    false_record += std::string("\0\x01\0\0", 4);
    std::string many = made.bytes;
    while (many.size() < 200'000)
        many += false_record;
    const Scanned hostile = scan(many);
    CHECK(hostile.messages.size() == 2);
    REQUIRE(hostile.gaps.size() == 1);
    CHECK(hostile.gaps[0].is_tail);
}

TEST_CASE("recording: damaged at random places, no byte is read twice or passed over in silence",
          "[unit][recording]") {
    const auto seed = test::seed(7);
    INFO("seed " << seed);
    Random random(seed);
    for (int round = 0; round < 300; ++round) {
        const Sample made = sample(30);
        std::string bytes = made.bytes;
        for (std::uint64_t i = random.below(6); i-- > 0;) {
            const auto at = made.header_bytes + random.below(bytes.size() - made.header_bytes);
            bytes[at] = static_cast<char>(random.next());
        }
        bytes.resize(bytes.size() - random.below(100));
        const Scanned all = scan(bytes, 1 + random.below(200));
        std::uint64_t accounted = made.header_bytes;
        for (const Scanner::Gap& gap : all.gaps)
            accounted += gap.bytes;
        for (const Message& message : all.messages)
            accounted += encode(message)->size();
        CHECK(accounted == bytes.size());
        CHECK(all.scanner.damaged_bytes_total() + all.scanner.messages_total() > 0);
    }
}
