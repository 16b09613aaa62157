// SPDX-License-Identifier: Apache-2.0
// What a broker says of its services, read and shown.
#include <cli/services/listing.hpp>
#include <support/catch.hpp>

#include <string>

using namespace flotilla;
using namespace flotilla::cli;

namespace {

bool shows(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("the list of flotilla-broker becomes rows in the order of their names") {
    const auto rows =
        read_services({"200", "name=sum\nworkers=0\nwaiting=0\nqueued=7\nrunning=0\n",
                       "name=a%00%ff\nworkers=3\nwaiting=1\nqueued=0\nrunning=2\nlater=ignored\n"});
    REQUIRE(rows);
    REQUIRE(rows->size() == 2);
    CHECK((*rows)[0].name == std::string("a\0\xff", 3));
    CHECK((*rows)[0].has_workers);
    CHECK((*rows)[0].counts == ServiceRow::Counts{3, 1, 0, 2});
    CHECK_FALSE((*rows)[1].has_workers);
    CHECK(services_table(*rows) == "SERVICE    WORKERS  WAITING  QUEUED  RUNNING\n"
                                   "a\\x00\\xff        3        1       0        2\n"
                                   "sum              0        0       7        0\n");
    CHECK(shows(services_json(*rows), R"({"name":"sum","has_workers":false,"workers":0,)"
                                      R"("waiting":0,"queued":7,"running":0})"));
}

TEST_CASE("a broker that lists nothing has none, one that cannot list says what to do") {
    CHECK(services_table(*read_services({"200"})) == "no services\n");
    const auto refused = read_services({"501"});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::refused);
    CHECK(shows(refused.error().detail, "501"));
    CHECK(shows(refused.error().detail, "zmq services NAME"));
    CHECK_FALSE(read_services({}));
}

TEST_CASE("a list that is not one is refused") {
    for (const char* row : {"", "workers=1", "name=a\nworkers=x", "name=a%", "name=a%0",
                            "name=a%zz", "no option at all"}) {
        INFO(row);
        const auto rows = read_services({"200", row});
        REQUIRE_FALSE(rows);
        CHECK(rows.error().code == Errc::malformed);
    }
}

TEST_CASE("8/MMI says of one service only whether somebody serves it") {
    CHECK(read_service("a", {"200"})->has_workers);
    CHECK_FALSE(read_service("a", {"404"})->has_workers);
    CHECK(read_service("a", {"501"}).error().code == Errc::refused);
    CHECK_FALSE(read_service("a", {}));
    const std::vector<ServiceRow> rows{*read_service("echo", {"200"}), *read_service("b", {"404"})};
    CHECK(services_table(rows) == "SERVICE  WORKERS  WAITING  QUEUED  RUNNING\n"
                                  "echo         yes        ?       ?        ?\n"
                                  "b           none        ?       ?        ?\n");
    CHECK(services_json(rows) == "{\"name\":\"echo\",\"has_workers\":true}\n"
                                 "{\"name\":\"b\",\"has_workers\":false}\n");
}
