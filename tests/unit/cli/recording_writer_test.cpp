// SPDX-License-Identifier: Apache-2.0
#include <cli/recording/reader.hpp>
#include <cli/recording/writer.hpp>
#include <support/catch.hpp>
#include <support/text.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

using namespace flotilla;
using namespace flotilla::cli::recording;
using test::has;

namespace {

// A disk of a stated size, in memory.
struct Disk {
    std::string bytes;
    std::size_t room = SIZE_MAX;
    bool can_truncate = true;
    int syncs = 0;
};

class DiskSink final : public Sink {
public:
    explicit DiskSink(Disk& disk) : disk_(disk) {}
    Result<std::size_t> write(ByteView bytes) override {
        const std::size_t fits = std::min(bytes.size(), disk_.room - disk_.bytes.size());
        if (fits == 0)
            return fail(Errc::disk_full, "the disk is full");
        disk_.bytes += bytes.substr(0, fits);
        return fits;
    }
    Status truncate(std::uint64_t bytes) override {
        if (!disk_.can_truncate)
            return fail(Errc::io, "a pipe");
        disk_.bytes.resize(bytes);
        return {};
    }
    Status sync() override {
        ++disk_.syncs;
        return {};
    }

private:
    Disk& disk_;
};

Message message_of(ByteView text, Duration offset) {
    return Message{WallTime{1s}, offset, Direction::received, {text}};
}

struct RecordingFolder {
    RecordingFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "flotilla-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        folder = name;
    }
    ~RecordingFolder() { std::filesystem::remove_all(folder); }
    std::string path(const char* name) const { return (folder / name).string(); }
    std::filesystem::path folder;
};

struct Contents {
    std::vector<std::string> texts;
    std::vector<Duration> offsets;
    int gaps = 0;
    bool in_order = false;
    std::uint64_t sessions = 0;
};

Contents contents_of(const std::string& path) {
    auto reader = Reader::open(path);
    REQUIRE(reader);
    Contents all;
    while (true) {
        auto next = reader->next();
        REQUIRE(next);
        if (const auto* message = std::get_if<Message>(&*next)) {
            all.texts.emplace_back(message->frames[0].view());
            all.offsets.push_back(message->offset);
        } else if (std::holds_alternative<Scanner::Gap>(*next)) {
            ++all.gaps;
        } else {
            all.in_order = reader->state().ended_in_order();
            all.sessions = reader->state().sessions_total();
            return all;
        }
    }
}

Contents contents_of(const RecordingFolder& scratch, const Disk& disk) {
    std::ofstream(scratch.path("disk"), std::ios::binary) << disk.bytes;
    return contents_of(scratch.path("disk"));
}

} // namespace

TEST_CASE("recording writer: what was written is read back, in order and with its end",
          "[unit][recording]") {
    const RecordingFolder scratch;
    auto writer = open_recording(scratch.path("a"), {});
    REQUIRE(writer);
    REQUIRE(writer->add(message_of("one", 1ms)));
    REQUIRE(writer->add(message_of("two", 2ms)));
    REQUIRE(writer->finish());
    const Contents all = contents_of(scratch.path("a"));
    CHECK(all.texts == std::vector<std::string>{"one", "two"});
    CHECK(all.in_order);
    CHECK(all.gaps == 0);
}

TEST_CASE("recording writer: what was flushed is readable without an end marker",
          "[unit][recording]") {
    const RecordingFolder scratch;
    auto writer = open_recording(scratch.path("a"), {});
    REQUIRE(writer);
    REQUIRE(writer->add(message_of("one", 1ms)));
    REQUIRE(writer->flush());
    const Contents all = contents_of(scratch.path("a"));
    CHECK(all.texts.size() == 1);
    CHECK_FALSE(all.in_order);
    CHECK(all.gaps == 0);
}

TEST_CASE("recording writer: wherever the disk fills up, whole messages stay and the error lasts",
          "[unit][recording]") {
    const RecordingFolder scratch;
    Disk plenty;
    {
        auto writer = Writer::begin(std::make_unique<DiskSink>(plenty), {});
        for (int i = 0; i < 5; ++i)
            REQUIRE(writer->add(message_of("message", i * 1ms)));
        REQUIRE(writer->finish());
        CHECK(plenty.syncs == 1);
    }
    const std::size_t header = encode(Header{})->size();
    for (std::size_t room = header; room < plenty.bytes.size(); ++room) {
        INFO("room for " << room << " of " << plenty.bytes.size() << " bytes");
        Disk disk{{}, room};
        auto writer = Writer::begin(std::make_unique<DiskSink>(disk), {});
        REQUIRE(writer);
        for (int i = 0; i < 5; ++i)
            REQUIRE(writer->add(message_of("message", i * 1ms)));
        CHECK(writer->finish().error().code == Errc::disk_full);
        CHECK(writer->add(message_of("late", 9ms)).error().code == Errc::disk_full);
        CHECK(writer->flush().error().code == Errc::disk_full);
        const Contents all = contents_of(scratch, disk);
        CHECK(all.texts.size() == writer->messages_kept());
        CHECK(all.gaps == 0);
        const std::size_t record = encode(message_of("message", 0ms))->size();
        CHECK(all.texts.size() == std::min<std::size_t>(5, (room - header) / record));
    }
    Disk none{{}, header - 1};
    CHECK(Writer::begin(std::make_unique<DiskSink>(none), {}).error().code == Errc::disk_full);
}

TEST_CASE("recording writer: a pipe that breaks cannot be cut back, and its reader copes",
          "[unit][recording]") {
    const RecordingFolder scratch;
    Disk pipe{{}, 150, false};
    auto writer = Writer::begin(std::make_unique<DiskSink>(pipe), {});
    for (int i = 0; i < 5; ++i)
        REQUIRE(writer->add(message_of("message", i * 1ms)));
    CHECK_FALSE(writer->flush());
    const Contents all = contents_of(scratch, pipe);
    CHECK(all.texts.size() == 2);
    CHECK(all.gaps == 1);
}

TEST_CASE("recording file: an old recording is refused, overwritten or appended to, as asked",
          "[unit][recording]") {
    const RecordingFolder scratch;
    const std::string path = scratch.path("a");
    {
        auto first = open_recording(path, {});
        REQUIRE(first->add(message_of("one", 5ms)));
        REQUIRE(first->finish());
    }
    CHECK(open_recording(path, {}).error().code == Errc::exists);
    {
        auto second = open_recording(path, {Existing::append, Header{1, WallTime{9s}, {}}});
        REQUIRE(second);
        REQUIRE(second->add(message_of("two", 3ms)));
        REQUIRE(second->finish());
        CHECK(second->messages_total() == 2);
    }
    const Contents both = contents_of(path);
    CHECK(both.texts == std::vector<std::string>{"one", "two"});
    CHECK(both.offsets == std::vector<Duration>{5ms, 8ms}); // goes on where the first one ended
    CHECK(both.in_order);
    CHECK(both.sessions == 2);
    REQUIRE(open_recording(path, {Existing::overwrite, {}})->finish());
    CHECK(contents_of(path).texts.empty());
}

TEST_CASE("recording file: one at a time writes to it", "[unit][recording]") {
    const RecordingFolder scratch;
    const std::string path = scratch.path("a");
    auto first = open_recording(path, {});
    REQUIRE(first->add(message_of("one", 5ms)));
    REQUIRE(first->flush());
    for (const Existing how : {Existing::append, Existing::overwrite}) {
        const auto second = open_recording(path, {how, {}});
        REQUIRE_FALSE(second);
        CHECK(second.error().code == Errc::exists);
        CHECK(has(second.error().detail, "is being written by another program"));
    }
    REQUIRE(first->finish());
    CHECK(contents_of(path).texts == std::vector<std::string>{"one"});
    CHECK(open_recording("/dev/null", {}));
    CHECK(open_recording("/dev/null", {}));
}

TEST_CASE("recording file: nothing is appended to what is damaged or no recording",
          "[unit][recording]") {
    const RecordingFolder scratch;
    const std::string path = scratch.path("a");
    {
        auto writer = open_recording(path, {});
        REQUIRE(writer->add(message_of("one", 5ms)));
        REQUIRE(writer->finish());
    }
    const auto size = std::filesystem::file_size(path);
    std::filesystem::resize_file(path, size - 40);
    const auto damaged = open_recording(path, {Existing::append, {}});
    CHECK(damaged.error().code == Errc::damaged);
    CHECK(damaged.error().detail.find("--repair") != std::string::npos);
    CHECK(std::filesystem::file_size(path) == size - 40);
    std::ofstream(scratch.path("text")) << "some text that took long to write";
    CHECK(open_recording(scratch.path("text"), {Existing::append, {}}).error().code ==
          Errc::malformed);
    // A new or an empty file is begun.
    CHECK(open_recording(scratch.path("new"), {Existing::append, {}}));
    std::ofstream(scratch.path("empty")).close();
    CHECK(open_recording(scratch.path("empty"), {Existing::append, {}}));
}

TEST_CASE("recording file: a full device and an impossible path say so", "[unit][recording]") {
    CHECK(open_recording("/dev/full", {}).error().code == Errc::disk_full);
    CHECK(open_recording("/nonexistent/a", {}).error().code == Errc::io);
    CHECK(Reader::open("/nonexistent/a").error().code == Errc::not_found);
}
