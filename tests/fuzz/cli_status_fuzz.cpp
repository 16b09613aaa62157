// SPDX-License-Identifier: Apache-2.0
// Whatever a daemon answers: it is refused, or every view of it can be drawn and fits its screen.
#include <flotilla/base/check.hpp>

#include <cli/admin/audit_text.hpp>
#include <cli/admin/quantities.hpp>
#include <cli/admin/status_text.hpp>
#include <cli/top/model.hpp>

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace flotilla;
    using namespace flotilla::cli;
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    (void)audit_table(text);
    (void)audit_json(text);
    const auto view = read_status(text);
    if (!view)
        return 0;
    (void)daemons_table({{"ipc://a", *view, {}, std::string(text)}});
    (void)status_json({{"ipc://a", *view, {}, std::string(text)}});
    (void)totals_text(*view);
    top::Model model({"ipc://a", "ipc://b"});
    model.heard(0, *view);
    model.heard(0, *view);
    model.heard(1, *view);
    constexpr top::Size size_of_screen{12, 60};
    for (const TableView& table : view->objects) {
        (void)objects_text(*view, table.kind);
        model.show(table.kind);
        model.press({top::Key::end}, size_of_screen);
        const top::Screen screen = model.draw(size_of_screen, WallTime{});
        FLOTILLA_CHECK(screen.size() <= size_of_screen.rows, "a screen has too many lines");
        for (const top::ScreenLine& line : screen)
            FLOTILLA_CHECK(width_of(line.text) <= size_of_screen.columns, "a line is too long");
    }
    (void)model.plain(WallTime{}, top::Model::Kinds::all);
    return 0;
}
