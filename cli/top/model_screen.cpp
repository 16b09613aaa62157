// SPDX-License-Identifier: Apache-2.0
// Model: its lines. On a small screen the list goes last: title, list, footer, tabs, warnings.
#include <cli/admin/quantities.hpp>
#include <cli/top/model.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <ctime>

namespace flotilla::cli::top {

namespace {

using Style = ScreenLine::Style;
constexpr std::size_t warnings_max = 3;
constexpr std::size_t text_width_max = 24;
constexpr std::size_t name_width_max_least = 12; // on however small a screen
constexpr std::size_t name_width_min = 8;        // while other texts can be cut
constexpr std::size_t text_width_min = 5;        // while the name can be cut
constexpr std::size_t cut_width_min = 4;         // where all else is cut
constexpr const char* gap = "  ";

std::string clock_text(WallTime now) {
    const std::time_t seconds =
        std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
    std::tm parts{};
    std::array<char, 16> text{};
    if (gmtime_r(&seconds, &parts) == nullptr)
        return {};
    std::strftime(text.data(), text.size(), "%H:%M:%SZ", &parts);
    return text.data();
}

std::string plural(const std::string& kind) {
    return kind + "s";
}

std::string heading_of(const ColumnView& column, const Order& order) {
    return (order.by == column.name ? "*" : "") + column.name +
           (column.kind == ColumnView::Kind::counter ? "/s" : "");
}

// Which columns are drawn, and how wide.
struct Widths {
    std::size_t name = 0;
    std::size_t daemon = 0; // 0: left out, because there is only one
    std::vector<std::size_t> texts{};
    std::vector<std::size_t> cells{}; // from the first that is shown, as many as fit

    std::size_t of_text() const {
        std::size_t all = 2 + name + (daemon > 0 ? 2 + daemon : 0);
        for (const std::size_t each : texts)
            all += 2 + each;
        return all;
    }
    std::size_t of_cells() const {
        std::size_t all = 0;
        for (const std::size_t each : cells)
            all += 2 + each;
        return all;
    }
    // Text leaves two fifths of the screen to numbers, if they want so much. The name, by which
    // rows are known, is cut last.
    void share(std::size_t columns) {
        const std::size_t room = columns - std::min(of_cells(), columns * 2 / 5);
        cut(room, {text_width_min, SIZE_MAX});
        cut(room, {text_width_min, name_width_min});
        cut(room, {cut_width_min, cut_width_min});
    }

private:
    struct Least {
        std::size_t text;
        std::size_t name;
    };
    // The widest first, none below its least.
    void cut(std::size_t room, Least least) {
        while (of_text() > room) {
            std::size_t* widest = nullptr;
            const auto consider = [&widest](std::size_t& width, std::size_t at_least) {
                if (width > at_least && (widest == nullptr || width > *widest))
                    widest = &width;
            };
            for (std::size_t& each : texts)
                consider(each, least.text);
            consider(daemon, least.text);
            consider(name, least.name);
            if (widest == nullptr)
                return;
            --*widest;
        }
    }
};

void grow(std::size_t& width, std::string_view text, std::size_t most) {
    width = std::max(width, std::min(width_of(text), most));
}

} // namespace

struct Model::Layout {
    Size size{};
    std::size_t warnings = 0;
    bool has_tabs = false;
    bool has_footer = false;
    std::size_t body = 0; // lines of the list, its heading among them
};

Model::Layout Model::layout(Size size) const {
    Layout layout;
    layout.size = size;
    std::size_t left = size.rows > 0 ? size.rows - 1 : 0; // the title
    layout.has_footer = left >= 3;
    layout.has_tabs = left >= 5;
    left -= (layout.has_footer ? 1 : 0) + (layout.has_tabs ? 1 : 0);
    layout.warnings = std::min({warnings().size(), warnings_max, left / 4});
    layout.body = left - layout.warnings;
    return layout;
}

std::size_t Model::list_rows(Size size) const {
    const std::size_t body = layout(size).body;
    return body > 0 ? body - 1 : 0;
}

std::string Model::title(WallTime now) const {
    const auto lost = std::count_if(sources_.begin(), sources_.end(),
                                    [](const Source& source) { return !source.view(); });
    std::string text = "zmq top" + std::string(gap) + std::to_string(sources_.size()) +
                       (sources_.size() == 1 ? " daemon" : " daemons");
    if (lost > 0)
        text += ", " + std::to_string(lost) + " unreachable";
    return text + gap + clock_text(now) + (paused_ ? std::string(gap) + "PAUSED" : "");
}

std::vector<std::string> Model::warnings() const {
    std::vector<std::string> all;
    for (const Source& source : sources_) {
        if (!source.trouble().empty()) {
            all.push_back(source.endpoint() + ": unreachable: " + source.trouble());
            continue;
        }
        if (!source.view())
            continue;
        for (const std::string& each : source.view()->warnings)
            all.push_back(source.name() + ": " + each);
        if (source.view()->is_ready())
            continue;
        std::string why;
        for (const std::string& each : source.view()->not_ready)
            why += (why.empty() ? "" : "; ") + each;
        all.push_back(source.name() + ": not ready: " + (why.empty() ? source.view()->state : why));
    }
    return all;
}

std::string Model::tabs() const {
    std::string text;
    auto kinds = kinds_of(sources_);
    if (std::find(kinds.begin(), kinds.end(), kind_) == kinds.end())
        kinds.push_back(kind_);
    for (const std::string& kind : kinds)
        text += kind == kind_ ? "[" + plural(kind) + "] " : " " + plural(kind) + "  ";
    return text;
}

std::string Model::footer(const Table& table, std::size_t first, std::size_t shown,
                          std::size_t hidden_columns) const {
    if (mode_ == Mode::filter)
        return "filter: " + order_.filter + "_";
    std::string text = table.rows.empty()
                           ? "nothing"
                           : std::to_string(first + 1) + "-" + std::to_string(first + shown) +
                                 " of " + std::to_string(table.rows.size());
    if (table.left_out > 0)
        text += " (" + std::to_string(table.left_out) + " more not sent)";
    text += std::string(gap) + "by " + (order_.by.empty() ? "name" : order_.by) +
            (order_.is_reversed ? " reversed" : "");
    if (!order_.filter.empty())
        text += std::string(gap) + "filter '" + order_.filter + "' hides " +
                std::to_string(table.filtered_out);
    if (hidden_columns > 0)
        text += std::string(gap) + std::to_string(hidden_columns) + " columns more: arrows";
    return text + gap + "? help  q quit";
}

// ---- the list ----------------------------------------------------------------------------------

void Model::draw_list(Screen& screen, const Layout& layout) const {
    const Table table = this->table();
    const std::size_t columns = layout.size.columns;
    const std::size_t rows = layout.body > 0 ? layout.body - 1 : 0;
    const std::size_t selected = selected_in(table);
    // The page that holds the selected row.
    const std::size_t first = rows > 0 ? selected / rows * rows : 0;
    const std::size_t shown =
        std::min(rows, table.rows.size() - std::min(first, table.rows.size()));
    const bool has_daemon = sources_.size() > 1 && kind_ != daemon_kind;

    Widths widths;
    widths.name = width_of(kind_);
    widths.daemon = has_daemon ? width_of("daemon") : 0;
    for (const std::string& each : table.text_columns)
        widths.texts.push_back(std::min(width_of(each), text_width_max));
    const std::size_t name_max = std::max(name_width_max_least, columns / 3);
    for (std::size_t i = first; i < first + shown; ++i) {
        const TableRow& row = table.rows[i];
        grow(widths.name, row.name, name_max);
        if (has_daemon)
            grow(widths.daemon, sources_[row.source].name(), text_width_max);
        for (std::size_t t = 0; t < row.texts.size(); ++t)
            grow(widths.texts[t], row.texts[t], text_width_max);
    }
    const std::size_t from = std::min(first_column_, table.columns.size());
    for (std::size_t c = from; c < table.columns.size(); ++c) {
        std::size_t width = width_of(heading_of(table.columns[c], order_));
        for (std::size_t i = first; i < first + shown; ++i)
            grow(width, table.rows[i].cells[c].text, columns);
        widths.cells.push_back(width);
    }
    widths.share(columns);
    while (!widths.cells.empty() && widths.of_text() + widths.of_cells() > columns)
        widths.cells.pop_back();

    std::string heading = "  " + shortened(kind_, widths.name);
    if (has_daemon)
        heading += gap + shortened("daemon", widths.daemon);
    for (std::size_t t = 0; t < table.text_columns.size(); ++t)
        heading += gap + shortened(table.text_columns[t], widths.texts[t]);
    for (std::size_t c = 0; c < widths.cells.size(); ++c)
        heading += gap + right(heading_of(table.columns[from + c], order_), widths.cells[c]);
    if (layout.body > 0)
        screen.push_back({Style::heading, heading});
    for (std::size_t i = first; i < first + shown; ++i) {
        const TableRow& row = table.rows[i];
        std::string line = (i == selected ? "> " : "  ") + shortened(row.name, widths.name);
        if (has_daemon)
            line += gap + shortened(sources_[row.source].name(), widths.daemon);
        for (std::size_t t = 0; t < row.texts.size(); ++t)
            line += gap + shortened(row.texts[t], widths.texts[t]);
        for (std::size_t c = 0; c < widths.cells.size(); ++c)
            line += gap + right(row.cells[from + c].text, widths.cells[c]);
        screen.push_back({i == selected ? Style::selected : Style::plain, line});
    }
    if (!layout.has_footer)
        return;
    while (screen.size() + 1 < layout.size.rows)
        screen.push_back({});
    const std::size_t hidden = table.columns.size() - widths.cells.size();
    screen.push_back({Style::footer, footer(table, first, shown, hidden)});
}

// Every number of one row, with what it means.
void Model::draw_numbers(Screen& screen, const Layout& layout) const {
    const Table table = this->table();
    if (table.rows.empty())
        return draw_list(screen, layout);
    const TableRow& row = table.rows[selected_in(table)];
    Screen lines;
    lines.push_back({Style::heading, kind_ + " " + row.name + " of " + sources_[row.source].name() +
                                         " (" + sources_[row.source].endpoint() + ")"});
    for (std::size_t t = 0; t < row.texts.size(); ++t)
        lines.push_back({Style::plain, "  " + padded(table.text_columns[t], text_width_max) + gap +
                                           row.texts[t]});
    for (std::size_t c = 0; c < row.cells.size(); ++c)
        lines.push_back(
            {Style::plain, "  " + padded(heading_of(table.columns[c], {}), text_width_max) + gap +
                               right(row.cells[c].text, 10) + gap + table.columns[c].help});
    const std::size_t most = lines.size() > layout.body ? lines.size() - layout.body : 0;
    const std::size_t from = std::min(scrolled_, most);
    for (std::size_t i = from; i < lines.size() && i < from + layout.body; ++i)
        screen.push_back(lines[i]);
}

void Model::draw_help(Screen& screen, const Layout& layout) const {
    const std::array lines{"arrows, j, k      another row; left and right: other columns",
                           "page up, down     a page; home and end: the first and the last row",
                           "tab, shift-tab    another kind of objects",
                           "enter             every number of the row, with what it means",
                           "s                 sort by the next column, and after the last by name",
                           "r                 sort the other way round",
                           "/                 show only names with this in them; escape: all",
                           "p                 hold the screen still; again: go on",
                           "q                 quit",
                           "Counters are shown as what they grow by a second; - is unknown."};
    for (std::size_t i = 0; i < lines.size() && i < layout.body; ++i)
        screen.push_back({Style::plain, lines[i]});
}

Screen Model::draw(Size size, WallTime now) const {
    Screen screen;
    if (size.rows == 0 || size.columns == 0)
        return screen;
    const Layout layout = this->layout(size);
    screen.push_back({Style::title, title(now)});
    const auto troubles = warnings();
    for (std::size_t i = 0; i < layout.warnings; ++i)
        screen.push_back({Style::warning, troubles[i]});
    if (layout.has_tabs)
        screen.push_back({Style::tabs, tabs()});
    if (mode_ == Mode::help)
        draw_help(screen, layout);
    else if (mode_ == Mode::numbers)
        draw_numbers(screen, layout);
    else
        draw_list(screen, layout);
    screen.resize(std::min(screen.size(), size.rows));
    for (ScreenLine& line : screen)
        if (width_of(line.text) > size.columns)
            line.text = padded(line.text, size.columns);
    return screen;
}

// ---- plain text --------------------------------------------------------------------------------

std::string Model::plain(WallTime now, Kinds kinds) const {
    std::string text = title(now) + "\n";
    for (const std::string& each : warnings())
        text += each + "\n";
    for (const std::string& kind :
         kinds == Kinds::all ? kinds_of(sources_) : std::vector<std::string>{kind_}) {
        const Table table = make_table(sources_, kind, kind == kind_ ? order_ : Order{});
        TextRows rows(1);
        rows.front() = {kind};
        if (kind != daemon_kind)
            rows.front().push_back("daemon");
        rows.front().insert(rows.front().end(), table.text_columns.begin(),
                            table.text_columns.end());
        for (const ColumnView& column : table.columns)
            rows.front().push_back(heading_of(column, order_));
        for (const TableRow& row : table.rows) {
            auto& cells = rows.emplace_back();
            cells.push_back(row.name);
            if (kind != daemon_kind)
                cells.push_back(sources_[row.source].name());
            cells.insert(cells.end(), row.texts.begin(), row.texts.end());
            for (const Cell& cell : row.cells)
                cells.push_back(cell.text);
        }
        const std::size_t left = 1 + (kind != daemon_kind ? 1 : 0) + table.text_columns.size();
        text += "\n" + text_table(rows, left);
    }
    return text;
}

} // namespace flotilla::cli::top
