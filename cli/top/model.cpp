// SPDX-License-Identifier: Apache-2.0
#include <cli/top/model.hpp>

#include <algorithm>

namespace flotilla::cli::top {

Model::Model(const std::vector<std::string>& endpoints) {
    for (const std::string& endpoint : endpoints)
        sources_.emplace_back(endpoint);
}

void Model::heard(std::size_t source, DaemonView view) {
    if (!paused_)
        sources_.at(source).heard(std::move(view));
}

void Model::lost(std::size_t source, std::string why) {
    if (!paused_)
        sources_.at(source).lost(std::move(why));
}

ExitCode Model::verdict() const {
    std::vector<const DaemonView*> views;
    for (const Source& source : sources_)
        views.push_back(source.view() ? &*source.view() : nullptr);
    return readiness(views);
}

void Model::show(std::string kind) {
    kind_ = std::move(kind);
    order_.by.clear();
    order_.is_reversed = false;
    selected_.reset();
    selected_at_ = 0;
    first_column_ = 0;
}

// ---- keys --------------------------------------------------------------------------------------

void Model::press(KeyPress key, Size size) {
    switch (mode_) {
    case Mode::list:
        return press_in_list(key, size);
    case Mode::filter:
        return press_in_filter(key);
    case Mode::help:
        if (key.key != Key::none)
            mode_ = Mode::list;
        return;
    case Mode::numbers:
        if (key.key == Key::down)
            ++scrolled_;
        else if (key.key == Key::up)
            scrolled_ -= scrolled_ > 0 ? 1 : 0;
        else if (key.key == Key::letter && key.letter == 'q')
            ended_ = true;
        else if (key.key != Key::none)
            mode_ = Mode::list;
        return;
    }
}

void Model::press_in_list(KeyPress key, Size size) {
    const auto page = static_cast<std::ptrdiff_t>(std::max<std::size_t>(list_rows(size), 1));
    constexpr std::ptrdiff_t far = 1'000'000'000;
    switch (key.key) {
    case Key::up:
        return move(-1);
    case Key::down:
        return move(1);
    case Key::page_up:
        return move(-page);
    case Key::page_down:
        return move(page);
    case Key::home:
        return move(-far);
    case Key::end:
        return move(far);
    case Key::left:
        first_column_ -= first_column_ > 0 ? 1 : 0;
        return;
    case Key::right:
        first_column_ += first_column_ + 1 < table().columns.size() ? 1 : 0;
        return;
    case Key::tab:
        return next_kind(1);
    case Key::back_tab:
        return next_kind(-1);
    case Key::enter:
        if (!table().rows.empty())
            mode_ = Mode::numbers;
        scrolled_ = 0;
        return;
    case Key::escape:
        order_.filter.clear();
        return;
    case Key::letter:
        return press_letter(key.letter);
    case Key::backspace:
    case Key::none:
        return;
    }
}

void Model::press_letter(char letter) {
    switch (letter) {
    case 'q':
        ended_ = true;
        return;
    case 's':
        return next_order();
    case 'r':
        order_.is_reversed = !order_.is_reversed;
        return;
    case '/':
        mode_ = Mode::filter;
        return;
    case 'p':
        paused_ = !paused_;
        return;
    case '?':
    case 'h':
        mode_ = Mode::help;
        return;
    case 'j':
        return move(1);
    case 'k':
        return move(-1);
    default:
        return;
    }
}

void Model::press_in_filter(KeyPress key) {
    switch (key.key) {
    case Key::letter:
        if (order_.filter.size() < filter_bytes_max)
            order_.filter += key.letter;
        return;
    case Key::backspace:
        if (!order_.filter.empty())
            order_.filter.pop_back();
        return;
    case Key::escape:
        order_.filter.clear();
        [[fallthrough]];
    case Key::enter:
        mode_ = Mode::list;
        return;
    default:
        return;
    }
}

// ---- selection ---------------------------------------------------------------------------------

std::size_t Model::selected_in(const Table& table) const {
    if (table.rows.empty())
        return 0;
    if (selected_)
        for (std::size_t i = 0; i < table.rows.size(); ++i)
            if (table.rows[i].is_same(*selected_))
                return i;
    return std::min(selected_at_, table.rows.size() - 1);
}

void Model::move(std::ptrdiff_t rows) {
    const Table now = table();
    if (now.rows.empty())
        return;
    const auto last = static_cast<std::ptrdiff_t>(now.rows.size()) - 1;
    const auto to = static_cast<std::ptrdiff_t>(selected_in(now)) + rows;
    selected_at_ = static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(to, 0, last));
    selected_ = TableRow{now.rows[selected_at_].source, now.rows[selected_at_].name, {}, {}};
}

void Model::next_kind(std::ptrdiff_t step) {
    const auto kinds = kinds_of(sources_);
    const auto count = static_cast<std::ptrdiff_t>(kinds.size());
    const auto found = std::find(kinds.begin(), kinds.end(), kind_);
    const std::ptrdiff_t at = found != kinds.end() ? found - kinds.begin() : 0;
    show(kinds[static_cast<std::size_t>((at + step + count) % count)]);
}

// By name, then by each column in turn.
void Model::next_order() {
    const Table now = table();
    const auto found =
        std::find_if(now.columns.begin(), now.columns.end(),
                     [this](const ColumnView& column) { return column.name == order_.by; });
    const std::size_t next = order_.by.empty() || found == now.columns.end()
                                 ? (order_.by.empty() ? 0 : now.columns.size())
                                 : static_cast<std::size_t>(found - now.columns.begin()) + 1;
    order_.by = next < now.columns.size() ? now.columns[next].name : std::string{};
    order_.is_reversed = false;
}

} // namespace flotilla::cli::top
