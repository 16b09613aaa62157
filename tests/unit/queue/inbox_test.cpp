// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/inbox.hpp>

#include <support/catch.hpp>
#include <support/scratch.hpp>

#include <fstream>
#include <string>

using namespace flotilla;
using namespace flotilla::queue;

namespace {

Inbox open_inbox(InboxOptions options) {
    auto inbox = Inbox::open(std::move(options));
    if (!inbox)
        FAIL(to_string(inbox.error()));
    return std::move(*inbox);
}

} // namespace

TEST_CASE("inbox: an effect that succeeded does not happen again", "[unit][queue]") {
    Inbox inbox = open_inbox({});
    int effects = 0;
    const std::string id = message_key("orders", 7);
    CHECK_FALSE(inbox.once(id, [&]() -> Status {
        ++effects;
        return fail(Errc::io, "no disk");
    }));
    for (int i = 0; i < 3; ++i)
        CHECK(inbox.once(id, [&]() -> Status {
            ++effects;
            return {};
        }));
    CHECK(effects == 2);
    CHECK(inbox.repeats_total() == 2);
    CHECK_FALSE(inbox.has(message_key("orders", 8)));
    CHECK_FALSE(inbox.has(message_key("orders7", 7)));
}

TEST_CASE("inbox: the oldest ids are forgotten", "[unit][queue]") {
    const test::ScratchFolder folder;
    for (const bool on_disk : {false, true}) {
        InboxOptions options{10, {}};
        if (on_disk)
            options.file = folder.file("inbox");
        Inbox inbox = open_inbox(options);
        for (int i = 0; i < 25; ++i)
            inbox.add(std::to_string(i));
        CHECK(inbox.size() == 10);
        CHECK_FALSE(inbox.has("14"));
        CHECK(inbox.has("15"));
        CHECK(inbox.has("24"));
    }
    Inbox again = open_inbox({10, folder.file("inbox")});
    CHECK(again.size() == 10);
    CHECK_FALSE(again.has("14"));
    CHECK(again.has("15"));
    again.add("25");
    CHECK_FALSE(again.has("15"));
    CHECK(again.has("16"));
    CHECK(again.sync());
}

TEST_CASE("inbox: a slot that was being written is passed over", "[unit][queue]") {
    const test::ScratchFolder folder;
    {
        Inbox inbox = open_inbox({10, folder.file("inbox")});
        inbox.add("one");
        inbox.add("two");
    }
    {
        std::fstream file(folder.file("inbox"), std::ios::binary | std::ios::in | std::ios::out);
        file.seekp(64 + 5);
        file.put('x');
    }
    Inbox inbox = open_inbox({10, folder.file("inbox")});
    CHECK(inbox.has("one"));
    CHECK_FALSE(inbox.has("two"));
}

TEST_CASE("inbox: a file that is something else is refused", "[unit][queue]") {
    const test::ScratchFolder folder;
    std::ofstream(folder.file("other")) << "something else, and long enough";
    CHECK(Inbox::open({10, folder.file("other")}).error().code == Errc::malformed);
    Inbox inbox = open_inbox({10, folder.file("inbox")});
    CHECK(Inbox::open({10, folder.file("inbox")}).error().code == Errc::address_in_use);
    inbox = open_inbox({10, folder.file("second")});
    CHECK(Inbox::open({20, folder.file("inbox")}).error().code == Errc::bad_option);
    CHECK(Inbox::open({0, {}}).error().code == Errc::bad_option);
    CHECK(Inbox::open({10, folder.path() / "none" / "inbox"}).error().code == Errc::io);
}
