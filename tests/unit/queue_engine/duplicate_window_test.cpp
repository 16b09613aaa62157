// SPDX-License-Identifier: Apache-2.0
#include "desk.hpp"

#include <flotilla/queue/engine/duplicate_window.hpp>

using namespace flotilla;
using namespace flotilla::queue;

namespace {

struct Window : desk::Desk {
    DuplicateWindow window{};
    QueueProperties properties{};
    std::int64_t wall = 1'000'000;
    MessageId last = 0;

    Window() {
        properties.duplicate_window = 10s;
        properties.duplicate_messages_max = 100;
    }
    std::optional<MessageId> find(std::string_view message_id, QueueId queue = 1) {
        const auto found = window.find(*read(), queue, properties, message_id, wall);
        REQUIRE(found);
        return *found;
    }
    void put(std::string_view message_id, QueueId queue = 1) {
        REQUIRE_FALSE(find(message_id, queue));
        window.add(queue, message_id, ++last, wall);
    }
    void flush() { REQUIRE(window.flush(*read(), mutations, wall)); }
    void turn() {
        flush();
        commit();
        window.committed();
    }
};

} // namespace

TEST_CASE("duplicate window: a repeat names the original, in the turn and after it",
          "[unit][queue]") {
    Window its;
    its.put("a");
    CHECK(its.find("a") == MessageId{1});
    its.turn();
    its.put("b");
    its.turn();
    CHECK(its.find("a") == MessageId{1});
    CHECK(its.find("b") == MessageId{2});
    its.window = {};
    CHECK(its.find("b") == MessageId{2});
    CHECK_FALSE(its.find("a", 2));
    CHECK_FALSE(its.find(""));
}

TEST_CASE("duplicate window: it is over by time", "[unit][queue]") {
    Window its;
    its.put("a");
    its.turn();
    its.wall += 9'999;
    CHECK(its.find("a") == MessageId{1});
    its.wall += 1;
    CHECK_FALSE(its.find("a"));
    its.put("a");
    its.turn();
    CHECK(its.find("a") == MessageId{2});
    // The row of the first use is gone, the second one's is not.
    its.put("b");
    its.turn();
    CHECK(its.rows(Table::duplicate) == 2);
    CHECK(its.rows(Table::duplicate_age) == 2);
    CHECK(its.find("a") == MessageId{2});
}

TEST_CASE("duplicate window: it is over by count, and the rows stay bounded", "[unit][queue]") {
    Window its;
    for (int i = 0; i < 1000; ++i) {
        its.put("m" + std::to_string(i));
        if (i % 7 == 0)
            its.turn();
    }
    its.turn();
    CHECK(its.find("m900"));
    CHECK(its.find("m999"));
    CHECK_FALSE(its.find("m899"));
    CHECK_FALSE(its.find("m0"));
    CHECK(its.rows(Table::duplicate) < 130);
    CHECK(its.rows(Table::duplicate) == its.rows(Table::duplicate_age));
}

TEST_CASE("duplicate window: a commit put off keeps a message id that came again",
          "[unit][queue]") {
    Window its;
    its.put("a");
    its.turn();
    its.wall += 20'000;
    its.put("a");
    its.flush();
    its.put("b");
    its.flush();
    CHECK(its.find("a") == MessageId{2});
    its.turn();
    CHECK(its.find("a") == MessageId{2});
    CHECK(its.find("b") == MessageId{3});
    CHECK(its.rows(Table::duplicate_age) == 2);
}

TEST_CASE("duplicate window: a damaged row knows nothing, and goes", "[unit][queue]") {
    Window its;
    its.put("a");
    its.turn();
    const auto snapshot = its.read();
    const auto row = snapshot->at_or_after(Table::duplicate, {});
    its.mutations.put(Table::duplicate, std::string((*row)->key), "nonsense");
    its.commit();
    CHECK_FALSE(its.find("a"));
    its.put("b");
    its.turn();
    CHECK(its.rows(Table::duplicate) == 1);
}
