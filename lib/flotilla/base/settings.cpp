// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/base/settings.hpp>
#include <flotilla/base/units.hpp>

#include <toml++/toml.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

namespace flotilla {
namespace detail {

struct SettingsTree {
    toml::table root;
    std::string file;
    std::map<const toml::table*, std::set<std::string, std::less<>>> asked;
    std::vector<std::string> errors;

    std::string place(const toml::source_region& source) const {
        return file + ":" + std::to_string(source.begin.line) + ":" +
               std::to_string(source.begin.column);
    }
    void refuse(const toml::source_region& source, std::string why) {
        errors.push_back(place(source) + ": " + std::move(why));
    }
    void find_unasked(const toml::table& table);
};

void SettingsTree::find_unasked(const toml::table& table) {
    const auto& known = asked[&table];
    for (const auto& [key, node] : table) {
        const std::string_view text = key.str();
        if (known.find(text) == known.end()) {
            std::string why = "unknown key '" + std::string(text) + "'";
            if (const auto near = nearest_word(text, {known.begin(), known.end()}))
                why += "; did you mean '" + *near + "'?";
            refuse(key.source(), std::move(why));
            continue;
        }
        if (const auto* inner = node.as_table())
            find_unasked(*inner);
        if (const auto* array = node.as_array())
            for (const auto& element : *array)
                if (const auto* inner_table = element.as_table())
                    find_unasked(*inner_table);
    }
}

} // namespace detail

namespace {

const toml::table& as_table(const void* table) {
    return *static_cast<const toml::table*>(table);
}

std::string_view kind(const toml::node& node) {
    switch (node.type()) {
    case toml::node_type::table:
        return "a table";
    case toml::node_type::array:
        return "a list";
    case toml::node_type::string:
        return "a text";
    case toml::node_type::integer:
        return "a whole number";
    case toml::node_type::floating_point:
        return "a number with a fraction";
    case toml::node_type::boolean:
        return "true or false";
    default:
        return "a date or time";
    }
}

// The node of a key, remembered as asked for; nullptr when absent.
const toml::node* ask(detail::SettingsTree& tree, const void* table, std::string_view key) {
    tree.asked[&as_table(table)].emplace(key);
    return as_table(table).get(key);
}

void refuse_kind(detail::SettingsTree& tree, std::string_view key, const toml::node& node,
                 std::string_view wanted) {
    tree.refuse(node.source(), "'" + std::string(key) + "' is " + std::string(kind(node)) +
                                   "; it must be " + std::string(wanted));
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
        }
    }
    return row[b.size()];
}

} // namespace

SettingsTable::SettingsTable(detail::SettingsTree& tree, const void* table)
    : tree_(&tree), table_(table) {
    tree.asked[&as_table(table)];
}

std::optional<std::string> SettingsTable::text(std::string_view key) {
    const toml::node* node = ask(*tree_, table_, key);
    if (!node)
        return std::nullopt;
    if (const auto* value = node->as_string())
        return value->get();
    refuse_kind(*tree_, key, *node, "a text in quotes");
    return std::nullopt;
}

std::optional<std::string> SettingsTable::choice(std::string_view key,
                                                 const std::vector<std::string_view>& choices) {
    auto value = text(key);
    if (!value || std::find(choices.begin(), choices.end(), *value) != choices.end())
        return value;
    std::string all;
    for (const std::string_view each : choices)
        all += (all.empty() ? "" : ", ") + std::string(each);
    refuse(key,
           "'" + *value + "' is not a value of '" + std::string(key) + "'; it is one of " + all);
    return std::nullopt;
}

std::optional<std::vector<std::string>> SettingsTable::texts(std::string_view key) {
    const toml::node* node = ask(*tree_, table_, key);
    if (!node)
        return std::nullopt;
    if (const auto* value = node->as_string())
        return std::vector<std::string>{value->get()};
    const auto* list = node->as_array();
    if (!list) {
        refuse_kind(*tree_, key, *node, "a text or a list of texts");
        return std::nullopt;
    }
    std::vector<std::string> values;
    for (const auto& element : *list) {
        if (const auto* value = element.as_string()) {
            values.push_back(value->get());
        } else {
            refuse_kind(*tree_, key, element, "a list of texts");
            return std::nullopt;
        }
    }
    return values;
}

std::optional<bool> SettingsTable::flag(std::string_view key) {
    const toml::node* node = ask(*tree_, table_, key);
    if (!node)
        return std::nullopt;
    if (const auto* value = node->as_boolean())
        return value->get();
    refuse_kind(*tree_, key, *node, "true or false");
    return std::nullopt;
}

std::optional<std::uint64_t> SettingsTable::count(std::string_view key, std::uint64_t min,
                                                  std::uint64_t max) {
    const toml::node* node = ask(*tree_, table_, key);
    if (!node)
        return std::nullopt;
    const auto* value = node->as_integer();
    if (value && value->get() >= 0 && std::uint64_t(value->get()) >= min &&
        std::uint64_t(value->get()) <= max)
        return std::uint64_t(value->get());
    const std::string wanted =
        "a whole number from " + std::to_string(min) + " to " + std::to_string(max);
    if (value)
        refuse(key, "'" + std::string(key) + "' is " + std::to_string(value->get()) +
                        "; it must be " + wanted);
    else
        refuse_kind(*tree_, key, *node, wanted);
    return std::nullopt;
}

std::optional<Duration> SettingsTable::duration(std::string_view key) {
    const auto value = text(key);
    if (!value)
        return std::nullopt;
    const auto parsed = parse_duration(*value);
    if (parsed)
        return *parsed;
    refuse(key, "'" + std::string(key) + "': " + parsed.error().detail);
    return std::nullopt;
}

std::optional<std::uint64_t> SettingsTable::bytes(std::string_view key) {
    const auto value = text(key);
    if (!value)
        return std::nullopt;
    const auto parsed = parse_bytes(*value);
    if (parsed)
        return *parsed;
    refuse(key, "'" + std::string(key) + "': " + parsed.error().detail);
    return std::nullopt;
}

std::optional<SettingsTable> SettingsTable::table(std::string_view key) {
    const toml::node* node = ask(*tree_, table_, key);
    if (!node)
        return std::nullopt;
    if (const auto* inner = node->as_table())
        return SettingsTable{*tree_, inner};
    refuse_kind(*tree_, key, *node, "a table: [" + std::string(key) + "]");
    return std::nullopt;
}

std::vector<SettingsTable> SettingsTable::tables(std::string_view key) {
    std::vector<SettingsTable> all;
    const toml::node* node = ask(*tree_, table_, key);
    if (!node)
        return all;
    const auto* list = node->as_array();
    if (!list || !list->is_array_of_tables()) {
        refuse_kind(*tree_, key, *node, "an array of tables: [[" + std::string(key) + "]]");
        return all;
    }
    for (const auto& element : *list)
        all.push_back(SettingsTable{*tree_, element.as_table()});
    return all;
}

std::string SettingsTable::where() const {
    return tree_->place(as_table(table_).source());
}

std::string SettingsTable::where(std::string_view key) const {
    const toml::node* node = as_table(table_).get(key);
    return node ? tree_->place(node->source()) : where();
}

void SettingsTable::refuse(std::string_view key, std::string why) {
    tree_->errors.push_back(where(key) + ": " + std::move(why));
}

Settings::Settings(std::unique_ptr<detail::SettingsTree> tree) : tree_(std::move(tree)) {}
Settings::Settings(Settings&&) noexcept = default;
Settings& Settings::operator=(Settings&&) noexcept = default;
Settings::~Settings() = default;

Result<Settings> Settings::parse(std::string_view text, std::string file) {
    auto tree = std::make_unique<detail::SettingsTree>();
    tree->file = std::move(file);
    try {
        tree->root = toml::parse(text, tree->file);
    } catch (const toml::parse_error& error) {
        return fail(Errc::bad_setting,
                    tree->place(error.source()) + ": " + std::string(error.description()));
    }
    return Settings{std::move(tree)};
}

SettingsTable Settings::root() {
    return SettingsTable{*tree_, &tree_->root};
}

Status Settings::finish() {
    tree_->find_unasked(tree_->root);
    if (tree_->errors.empty())
        return {};
    std::string all;
    for (const auto& error : tree_->errors)
        all += (all.empty() ? "" : "\n") + error;
    tree_->errors.clear();
    return fail(Errc::bad_setting, std::move(all));
}

std::optional<std::string> nearest_word(std::string_view word,
                                        const std::vector<std::string>& candidates) {
    std::optional<std::string> best;
    std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
    for (const auto& candidate : candidates) {
        const std::size_t distance = edit_distance(word, candidate);
        if (distance < best_distance) {
            best_distance = distance;
            best = candidate;
        }
    }
    return best;
}

} // namespace flotilla
