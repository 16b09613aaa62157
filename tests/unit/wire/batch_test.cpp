// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/random.hpp>
#include <flotilla/wire/batch.hpp>

#include <support/catch.hpp>
#include <support/seed.hpp>

#include <string>
#include <vector>

using namespace flotilla;
using namespace flotilla::wire;

namespace {

std::string batch_of(const std::vector<std::string>& messages,
                     Compression how = Compression::none) {
    std::string memory(1 << 16, '\0');
    BatchWriter writer(memory.data(), memory.size());
    for (const std::string& message : messages)
        writer.add(message);
    std::string out(memory.size(), '\0');
    if (how == Compression::none)
        return std::string{writer.finish()};
    Compressor compressor(how);
    return std::string{writer.finish(compressor, out.data())};
}

Errc refusal(ByteView frame, std::size_t region_bytes_max = batch_region_bytes_max) {
    Expander expander;
    const auto opened = BatchReader::open(frame, expander, region_bytes_max);
    REQUIRE_FALSE(opened.has_value());
    CHECK_FALSE(opened.error().detail.empty());
    return opened.error().code;
}

} // namespace

TEST_CASE("batch: its bytes are those of the protocol page", "[unit][wire]") {
    const std::string expected{"\xf1\x46\x42\x01"    // magic, version
                               "\0\0\0\2"            // two messages
                               "\0\0\0\0\x0a"        // region: not compressed, 10 bytes
                               "\0\0\0\2hi\0\0\0\0", // "hi" and an empty message
                               23};
    CHECK(batch_of({"hi", ""}) == expected);
    const std::string of_one_size{"\xf1\x46\x42\x02" // magic, version
                                  "\0\0\0\2"         // two messages
                                  "\0\0\0\0\x08"     // region: not compressed, 8 bytes
                                  "\0\0\0\2hiho",    // their length, and they
                                  21};
    CHECK(batch_of({"hi", "ho"}) == of_one_size);
    CHECK(batch_of({"hi"})[3] == 1); // alike in both, so the one that more readers know
}

TEST_CASE("batch: one message of another size gives all their lengths, wherever it comes",
          "[unit][wire]") {
    for (const std::size_t other : {0U, 1U, 5U, 40U})
        for (std::size_t at = 0; at < 10; ++at) {
            std::vector<std::string> messages;
            for (char c = 'a'; c < 'k'; ++c)
                messages.emplace_back(3, c);
            messages[at] = std::string(other, '!');
            std::string memory(1 << 10, '\0');
            BatchWriter writer(memory.data(), memory.size());
            std::size_t bytes = 0;
            for (std::size_t i = 0; i < messages.size(); ++i) {
                if (!writer.add_short(messages[i], memory.size()))
                    writer.add(messages[i]);
                bytes += messages[i].size();
                CHECK(writer.message_bytes() == bytes);
                // What is there can leave at any time, and go on.
                Expander expander;
                auto reader = BatchReader::open(writer.finish(), expander);
                REQUIRE(reader.has_value());
                REQUIRE(reader->left() == i + 1);
                CHECK(reader->bytes_left() == bytes);
                for (std::size_t j = 0; j <= i; ++j)
                    REQUIRE(reader->next() == messages[j]);
            }
            CHECK(memory[3] == 1);
        }
}

TEST_CASE("batch: lengths that one message would bring have to fit as well", "[unit][wire]") {
    std::string memory(batch_header_bytes + 4 + 10 * 2 + 3, '\0');
    BatchWriter writer(memory.data(), memory.size());
    for (int i = 0; i < 9; ++i) {
        CHECK_FALSE(writer.fits(30));
        writer.add("ab");
    }
    CHECK(writer.fits(2));
    CHECK_FALSE(writer.fits(1)); // nine lengths
    CHECK_FALSE(writer.fits(0));
    writer.add("ab");
    CHECK_FALSE(writer.add_short("a", memory.size()));
    CHECK(writer.finish().size() == memory.size() - 3);
}

TEST_CASE("batch: of one size, wrong counts and lengths are malformed", "[unit][wire]") {
    const std::string frame = batch_of({"one", "two", "six"});
    REQUIRE(frame[3] == 2);
    const auto changed = [&](std::size_t at, char byte) {
        std::string wrong = frame;
        wrong[at] = byte;
        return refusal(wrong);
    };
    CHECK(changed(7, 0) == Errc::malformed);
    CHECK(changed(7, 2) == Errc::malformed);
    CHECK(changed(4, 127) == Errc::malformed);
    CHECK(changed(16, 0) == Errc::malformed);
    CHECK(changed(16, 4) == Errc::malformed);
    CHECK(changed(13, 127) == Errc::malformed);
    CHECK(changed(3, 3) == Errc::malformed); // a version to come
    for (std::size_t size = 0; size < frame.size(); ++size)
        CHECK(refusal(ByteView{frame}.substr(0, size)) == Errc::malformed);
    CHECK(refusal(frame + '\0') == Errc::malformed);
    // As many empty messages as a count can say, out of nothing.
    const std::string many{"\xf1\x46\x42\x02\x7f\xff\xff\xff\0\0\0\0\x04\0\0\0\0", 17};
    CHECK(refusal(many) == Errc::malformed);
}

TEST_CASE("batch: messages of every size come back in order, whatever the codec", "[unit][wire]") {
    const std::uint64_t seed = test::seed(7);
    INFO("seed " << seed);
    Random random(seed);
    for (const Compression how : {Compression::none, Compression::lz4, Compression::zstd,
                                  Compression::none, Compression::lz4, Compression::zstd}) {
        if (!is_available(how))
            continue;
        std::vector<std::string> messages;
        const bool is_of_one_size = random.below(2) == 0;
        for (int i = 0; i < 300; ++i)
            messages.emplace_back(is_of_one_size ? 100 : random.below(200),
                                  static_cast<char>('a' + random.below(3)));
        const std::string frame = batch_of(messages, how);
        Expander expander;
        auto reader = BatchReader::open(frame, expander);
        REQUIRE(reader.has_value());
        CHECK(reader->left() == messages.size());
        std::size_t bytes = 0;
        for (const std::string& message : messages)
            bytes += message.size();
        CHECK(reader->bytes_left() == bytes);
        for (const std::string& message : messages)
            REQUIRE(reader->next() == message);
        CHECK(reader->left() == 0);
        CHECK(reader->bytes_left() == 0);
    }
}

TEST_CASE("batch: a writer says what fits and fills its memory to the last byte", "[unit][wire]") {
    CHECK_FALSE(BatchWriter{}.fits(0));
    std::string memory(batch_header_bytes + 2 * batch_item_overhead_bytes + 3, '\0');
    BatchWriter writer(memory.data(), memory.size());
    CHECK_FALSE(writer.fits(8));
    CHECK(writer.fits(7));
    writer.add("abc");
    CHECK(writer.fits(0));
    CHECK_FALSE(writer.fits(1));
    CHECK(writer.finish().size() == writer.bytes());
    writer.add("");
    CHECK_FALSE(writer.fits(0));
    CHECK(writer.bytes() == memory.size());
    Expander expander;
    const auto reader = BatchReader::open(writer.finish(), expander);
    REQUIRE(reader.has_value());
    CHECK(reader->left() == 2);
}

TEST_CASE("batch: every truncation and every byte appended is malformed", "[unit][wire]") {
    const std::string frame = batch_of({"one", "", "three"});
    for (std::size_t size = 0; size < frame.size(); ++size)
        CHECK(refusal(ByteView{frame}.substr(0, size)) == Errc::malformed);
    CHECK(refusal(frame + '\0') == Errc::malformed);
}

TEST_CASE("batch: wrong magic, version, codec, counts and lengths are malformed", "[unit][wire]") {
    const auto changed = [](std::size_t at, char byte) {
        std::string frame = batch_of({"one", "", "three"});
        frame[at] = byte;
        return refusal(frame);
    };
    CHECK(changed(0, 'x') == Errc::malformed);
    CHECK(changed(3, 2) == Errc::malformed);
    CHECK(changed(7, 0) == Errc::malformed);   // no messages
    CHECK(changed(7, 2) == Errc::malformed);   // fewer than are there
    CHECK(changed(7, 4) == Errc::malformed);   // more
    CHECK(changed(4, 127) == Errc::malformed); // two thousand million
    CHECK(changed(8, 9) == Errc::malformed);   // an algorithm that does not exist
    CHECK(changed(12, 3) == Errc::malformed);  // a region size that is not so
    CHECK(changed(16, 4) == Errc::malformed);  // a message's length
    CHECK(changed(13, 127) == Errc::malformed);
}

TEST_CASE("batch: the magic alone tells a batch from a plain message", "[unit][wire]") {
    CHECK(has_batch_magic(batch_of({"x"})));
    CHECK(has_batch_magic(ByteView{"\xf1\x46\x42", 3}));
    CHECK_FALSE(has_batch_magic(ByteView{"\xf1\x46", 2}));
    CHECK_FALSE(has_batch_magic("FB plain text"));
    CHECK_FALSE(has_batch_magic(""));
}

TEST_CASE("batch: a declared size over the limit is refused before it is expanded",
          "[unit][wire]") {
    const auto how = is_available(Compression::zstd) ? Compression::zstd : Compression::none;
    const std::string frame = batch_of({std::string(5000, 'a')}, how);
    CHECK(refusal(frame, 5003) == Errc::too_large);
    Expander expander;
    CHECK(BatchReader::open(frame, expander, 5004).has_value());

    std::string bomb = frame;
    bomb.replace(9, 4, "\x7f\xff\xff\xff"); // 2 GiB, over what any reader may ask for
    CHECK(refusal(bomb, std::size_t{1} << 40) == Errc::too_large);
    std::string understated = frame;
    understated.replace(9, 4, ByteView{"\0\0\x10\0", 4});
    CHECK(refusal(understated) == Errc::malformed);
}

TEST_CASE("batch: random damage never breaks a reader", "[unit][wire]") {
    const std::uint64_t seed = test::seed(11);
    INFO("seed " << seed);
    Random random(seed);
    for (int i = 0; i < 20'000; ++i) {
        std::string frame = batch_of(
            i % 3 == 0 ? std::vector<std::string>{"one", "two", "six"}
                       : std::vector<std::string>{"one", "two two", "", "4"},
            i % 2 == 0 && is_available(Compression::lz4) ? Compression::lz4 : Compression::none);
        for (std::uint64_t n = 1 + random.below(4); n > 0; --n)
            frame[random.below(frame.size())] = static_cast<char>(random.next());
        Expander expander;
        auto reader = BatchReader::open(frame, expander, 1 << 20);
        std::size_t bytes = 0;
        while (reader && reader->left() > 0)
            bytes += reader->next().size();
        CHECK(bytes <= 1 << 20);
    }
}
