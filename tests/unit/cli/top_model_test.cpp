// SPDX-License-Identifier: Apache-2.0
#include "admin_status.hpp"

#include <cli/admin/quantities.hpp>
#include <cli/top/model.hpp>

#include <algorithm>

using namespace flotilla;
using namespace flotilla::cli;
using namespace flotilla::test;
using namespace flotilla::cli::top;
using Style = ScreenLine::Style;

namespace {

constexpr Size size{12, 80};
constexpr WallTime noon{12h};

KeyPress letter(char c) {
    return {Key::letter, c};
}

void type(Model& model, std::string_view text) {
    for (const char c : text)
        model.press(letter(c), size);
}

// The names in the list, as they stand on the screen; the selected one with a '>' before it.
std::vector<std::string> names(const Model& model, Size with = size) {
    std::vector<std::string> all;
    bool in_list = false;
    for (const ScreenLine& line : model.draw(with, noon)) {
        if (in_list && line.style != Style::footer && !line.text.empty())
            all.push_back((line.text[0] == '>' ? ">" : "") +
                          line.text.substr(2, line.text.find(' ', 2) - 2));
        in_list = in_list || line.style == Style::heading;
    }
    return all;
}

std::string text_of(const Model& model, Size with = size) {
    std::string all;
    for (const ScreenLine& line : model.draw(with, noon))
        all += line.text + "\n";
    return all;
}

bool shows(const Model& model, std::string_view part, Size with = size) {
    INFO(text_of(model, with));
    return text_of(model, with).find(part) != std::string::npos;
}

Model on_queues(std::vector<std::pair<std::string, std::pair<int, int>>> queues) {
    Model model({"ipc://store"});
    model.heard(0, view_of({.queues = std::move(queues)}));
    model.show("queue");
    return model;
}

} // namespace

TEST_CASE("top shows each daemon, and what an unreachable one suffers from", "[unit][cli]") {
    Model model({"ipc://store", "ipc://broker"});
    model.heard(0, view_of({}));
    model.lost(1, "nobody listens there");
    CHECK(shows(model, "zmq top  2 daemons, 1 unreachable  12:00:00Z"));
    CHECK(shows(model, "ipc://broker: unreachable: nobody listens there"));
    CHECK(names(model) == std::vector<std::string>{">ipc://broker", "orders"});
    model.heard(0, view_of({.state = "draining"}));
    CHECK(shows(model, "orders: not ready: draining"));
    CHECK(model.verdict() == ExitCode::refused);
    model.lost(0, "no answer");
    CHECK(model.verdict() == ExitCode::nothing);
}

TEST_CASE("counters are shown as what they grow by a second", "[unit][cli]") {
    Model model = on_queues({{"a", {5, 100}}, {"b", {1, 0}}});
    CHECK(shows(model, "queue  order  ready  accepted/s"));
    CHECK(shows(model, "> a      plain      5           -"));
    model.heard(0, view_of({.taken_ms = 63'000, .queues = {{"a", {6, 700}}, {"new", {1, 9}}}}));
    CHECK(shows(model, "> a      plain      6         300"));
    CHECK(shows(model, "  new    plain      1           -"));
}

TEST_CASE("a daemon that was started again has no rates until it was seen twice", "[unit][cli]") {
    Model model = on_queues({{"a", {0, 100}}});
    model.heard(0, view_of({.taken_ms = 62'000, .queues = {{"a", {0, 200}}}}));
    CHECK(shows(model, "100"));
    // The same start, but a counter went back: as if it had been seen for the first time.
    model.heard(0, view_of({.taken_ms = 63'000, .queues = {{"a", {0, 50}}}}));
    CHECK(shows(model, "plain      0           -"));
    model.heard(0, view_of({.started_ms = 63'500, .taken_ms = 64'000, .queues = {{"a", {0, 80}}}}));
    CHECK(shows(model, "plain      0           -"));
    model.heard(0, view_of({.started_ms = 63'500, .taken_ms = 65'000, .queues = {{"a", {0, 90}}}}));
    CHECK(shows(model, "plain      0          10"));
    // A status of the same moment changes no rate; a silent daemon has none.
    model.heard(0, view_of({.started_ms = 63'500, .taken_ms = 65'000, .queues = {{"a", {0, 90}}}}));
    CHECK(shows(model, "plain      0          10"));
    model.lost(0, "no answer");
    CHECK(names(model).empty());
    model.heard(0, view_of({.started_ms = 63'500, .taken_ms = 66'000, .queues = {{"a", {0, 99}}}}));
    CHECK(shows(model, "plain      0           -"));
}

TEST_CASE("s sorts by each column in turn, the largest first, and r turns it round",
          "[unit][cli]") {
    Model model = on_queues({{"a", {5, 0}}, {"b", {9, 0}}, {"c", {7, 0}}});
    CHECK(names(model) == std::vector<std::string>{">a", "b", "c"});
    model.press(letter('s'), size);
    CHECK(names(model) == std::vector<std::string>{">b", "c", "a"});
    CHECK(shows(model, "*ready"));
    model.press(letter('r'), size);
    CHECK(names(model) == std::vector<std::string>{">a", "c", "b"});
    model.press(letter('s'), size); // accepted: no rates yet, so by name
    CHECK(names(model) == std::vector<std::string>{">a", "b", "c"});
    model.press(letter('s'), size);
    CHECK(shows(model, "by name"));
    model.press(letter('r'), size);
    CHECK(names(model) == std::vector<std::string>{">c", "b", "a"});
}

TEST_CASE("the selection is a row and not a place", "[unit][cli]") {
    Model model = on_queues({{"a", {5, 0}}, {"b", {9, 0}}, {"c", {7, 0}}});
    model.press({Key::down}, size);
    model.press({Key::down}, size);
    CHECK(names(model) == std::vector<std::string>{"a", "b", ">c"});
    model.press(letter('s'), size);
    CHECK(names(model) == std::vector<std::string>{"b", ">c", "a"});
    model.heard(0, view_of({.taken_ms = 62'000, .queues = {{"b", {9, 0}}, {"z", {1, 0}}}}));
    CHECK(names(model) == std::vector<std::string>{"b", ">z"}); // it is gone: who stands near
    model.press({Key::up}, size);
    model.press({Key::up}, size);
    CHECK(names(model) == std::vector<std::string>{">b", "z"});
}

TEST_CASE("pages hold the selected row, and home and end go to the ends", "[unit][cli]") {
    std::vector<std::pair<std::string, std::pair<int, int>>> queues;
    for (int i = 100; i < 350; ++i)
        queues.push_back({"q" + std::to_string(i), {0, 0}});
    Model model = on_queues(queues);
    const std::size_t rows = names(model).size();
    CHECK(rows == size.rows - 4); // title, tabs, heading, footer
    CHECK(shows(model, "1-8 of 250"));
    model.press({Key::page_down}, size);
    CHECK(names(model).front() == ">q108");
    model.press({Key::end}, size);
    CHECK(names(model).back() == ">q349");
    CHECK(shows(model, "249-250 of 250"));
    model.press({Key::page_up}, size);
    const auto page = names(model);
    CHECK(std::count(page.begin(), page.end(), ">q341") == 1);
    model.press({Key::home}, size);
    CHECK(names(model).front() == ">q100");
}

TEST_CASE("a filter is typed, hides what does not fit, and goes away", "[unit][cli]") {
    Model model({"ipc://store"});
    model.heard(
        0, view_of({.instance = "depot",
                    .queues = {{"mail", {0, 0}}, {"Orders", {0, 0}}, {"orders.dead", {0, 0}}}}));
    model.show("queue");
    type(model, "/ordq");
    CHECK(shows(model, "filter: ordq_"));
    CHECK_FALSE(model.wants_to_end());
    CHECK(names(model).empty());
    model.press({Key::backspace}, size);
    model.press({Key::enter}, size);
    CHECK(names(model) == std::vector<std::string>{">Orders", "orders.dead"});
    CHECK(shows(model, "filter 'ord' hides 1"));
    model.press({Key::escape}, size);
    CHECK(names(model).size() == 3);
    type(model, "/");
    for (int i = 0; i < 300; ++i)
        type(model, "x");
    CHECK(shows(model, "filter: " + std::string(Model::filter_bytes_max, 'x') + "_", {12, 200}));
    model.press({Key::escape}, size);
    CHECK(names(model).size() == 3);
}

TEST_CASE("tab goes through the kinds that daemons have", "[unit][cli]") {
    Model model({"ipc://store"});
    CHECK(shows(model, "[daemons]"));
    model.press({Key::tab}, size);
    CHECK(model.kind() == "daemon");
    model.heard(0, view_of({.queues = {{"a", {1, 1}}}}));
    model.press({Key::tab}, size);
    CHECK(model.kind() == "queue");
    CHECK(shows(model, " daemons  [queues]"));
    model.press({Key::back_tab}, size);
    CHECK(model.kind() == "daemon");
    model.press({Key::back_tab}, size);
    CHECK(model.kind() == "queue");
}

TEST_CASE("p holds the screen still", "[unit][cli]") {
    Model model = on_queues({{"a", {1, 1}}});
    model.press(letter('p'), size);
    model.heard(0, view_of({.queues = {{"b", {1, 1}}}}));
    model.lost(0, "no answer");
    CHECK(shows(model, "PAUSED"));
    CHECK(names(model) == std::vector<std::string>{">a"});
    model.press(letter('p'), size);
    model.heard(0, view_of({.queues = {{"b", {1, 1}}}}));
    CHECK(names(model) == std::vector<std::string>{">b"});
}

TEST_CASE("enter shows every number of a row with what it means", "[unit][cli]") {
    Model model = on_queues({{"a", {5, 1}}});
    model.press({Key::enter}, size);
    CHECK(shows(model, "queue a of orders (ipc://store)"));
    CHECK(shows(model, "Messages that wait."));
    CHECK(shows(model, "accepted/s"));
    model.press({Key::up}, size);
    for (int i = 0; i < 100; ++i)
        model.press({Key::down}, size);
    CHECK(shows(model, "Messages put."));
    model.press({Key::escape}, size);
    CHECK(names(model) == std::vector<std::string>{">a"});
    model.press(letter('?'), size);
    CHECK(shows(model, "sort by the next column"));
    model.press(letter('q'), size);
    CHECK_FALSE(model.wants_to_end());
    model.press(letter('q'), size);
    CHECK(model.wants_to_end());
}

TEST_CASE("what does not fit is left out, on however small a screen", "[unit][cli]") {
    Model model = on_queues({{std::string(200, 'n'), {5, 1}}, {"b", {1, 1}}});
    for (std::size_t rows = 0; rows <= 30; ++rows)
        for (const std::size_t columns : {0U, 1U, 2U, 10U, 20U, 40U, 300U})
            for (const char mode : {' ', '?', '/', '\r'}) {
                Model shown = model;
                if (mode == '\r')
                    shown.press({Key::enter}, {rows, columns});
                else
                    shown.press(letter(mode), {rows, columns});
                shown.press({Key::page_down}, {rows, columns});
                const Screen screen = shown.draw({rows, columns}, noon);
                INFO(rows << " x " << columns << " " << mode);
                CHECK(screen.size() <= rows);
                for (const ScreenLine& line : screen)
                    CHECK(width_of(line.text) <= columns);
            }
    CHECK(shows(model, "columns more", {12, 40}));
    model.press({Key::right}, {12, 40});
    CHECK(shows(model, "accepted/s", {12, 40}));
}

TEST_CASE("long texts leave room for numbers, and end with an ellipsis", "[unit][cli]") {
    const std::string long_name(200, 'n');
    Model model = on_queues({{long_name, {12'345, 1}}, {"b", {1, 1}}});
    for (const std::size_t columns : {50U, 80U, 200U}) {
        CHECK(shows(model, "ready", {12, columns}));
        CHECK(shows(model, "12.3k", {12, columns}));
        CHECK(shows(model, "n…  ", {12, columns}));
    }
    Model wide = on_queues({{"orders", {12'345, 1}}});
    CHECK(shows(wide, "orders  plain  12.3k", {12, 200})); // nothing is cut without need
    Model named = on_queues({{"orders-of-today", {12'345, 1}}});
    CHECK(shows(named, "orders-o…  plain  12.3k", {12, 30}));
}

TEST_CASE("daemons share a list, and a column that one of them lacks is unknown there",
          "[unit][cli]") {
    Model model({"ipc://one", "ipc://two"});
    model.heard(0, view_of({.instance = "one", .queues = {{"q", {1, 0}}}}));
    Json other = status_json_of({.instance = "two", .queues = {{"q", {2, 0}}}});
    other["columns"]["queue"].push_back(column("delayed", "gauge", "count", "Not due yet."));
    other["objects"]["queue"][0]["delayed"] = 4;
    model.heard(1, read_status(other.dump()).value());
    model.show("queue");
    CHECK(shows(model, "q      one     plain      1           -        -"));
    CHECK(shows(model, "q      two     plain      2           -        4"));
    const std::string text = model.plain(noon, Model::Kinds::all);
    CHECK(text.find("daemon  program") != std::string::npos);
    CHECK(text.find("queue  daemon  order") != std::string::npos);
}
