// SPDX-License-Identifier: Apache-2.0
//
// Model: what `zmq top` knows, what its user chose, and what is on the screen. Pure: statuses and
// keys go in, lines come out.
//
//     list ──enter──► numbers of the selected row ──enter, escape──► list
//      │ └──?──► help ──any key──► list
//      └──/──► filter being typed ──enter──► list     (escape: without it)
//
// The selection is a row, not a place: it stays on its queue when others come, go or sort anew.
#pragma once

#include <flotilla/base/time.hpp>

#include <cli/top/screen.hpp>
#include <cli/top/table.hpp>

#include <optional>
#include <string>
#include <vector>

namespace flotilla::cli::top {

class Model {
public:
    static constexpr std::size_t filter_bytes_max = 100;

    explicit Model(const std::vector<std::string>& endpoints);

    // What a daemon said, or that it says nothing. Passed over while paused.
    void heard(std::size_t source, DaemonView view);
    void lost(std::size_t source, std::string why);
    // Of the daemons as they are shown.
    ExitCode verdict() const;

    // `size` is that of the screen, for paging.
    void press(KeyPress key, Size size);
    bool wants_to_end() const noexcept { return ended_; }
    bool is_paused() const noexcept { return paused_; }
    // "daemon", or of which objects the next status has to tell.
    const std::string& kind() const noexcept { return kind_; }
    void show(std::string kind); // whether there are such objects or not

    // At most size.rows lines of at most size.columns characters.
    Screen draw(Size size, WallTime now) const;
    // Everything of the kind, or of all kinds: for a file or a pipe.
    enum class Kinds : std::uint8_t { chosen, all };
    std::string plain(WallTime now, Kinds kinds) const;

private:
    enum class Mode : std::uint8_t { list, filter, numbers, help };
    struct Layout;

    Table table() const { return make_table(sources_, kind_, order_); }
    void press_in_list(KeyPress key, Size size);
    void press_in_filter(KeyPress key);
    void press_letter(char letter);
    void move(std::ptrdiff_t rows);
    void next_kind(std::ptrdiff_t step);
    void next_order();
    std::size_t selected_in(const Table& table) const;
    Layout layout(Size size) const;
    std::size_t list_rows(Size size) const;

    std::string title(WallTime now) const;
    std::vector<std::string> warnings() const;
    std::string tabs() const;
    std::string footer(const Table& table, std::size_t first, std::size_t shown,
                       std::size_t hidden_columns) const;
    void draw_list(Screen& screen, const Layout& layout) const;
    void draw_numbers(Screen& screen, const Layout& layout) const;
    void draw_help(Screen& screen, const Layout& layout) const;

    std::vector<Source> sources_;
    std::string kind_ = daemon_kind;
    Order order_{};
    Mode mode_ = Mode::list;
    std::optional<TableRow> selected_{}; // its source and name
    std::size_t selected_at_ = 0;        // where it was, for when it is gone
    std::size_t first_column_ = 0;
    std::size_t scrolled_ = 0; // in numbers
    bool paused_ = false;
    bool ended_ = false;
};

} // namespace flotilla::cli::top
