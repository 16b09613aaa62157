// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/engine/turn.hpp>

namespace flotilla::queue {
namespace {

std::string name_of(Table table, ByteView key) {
    std::string name;
    name.reserve(key.size() + 1);
    name.push_back(static_cast<char>(table));
    name.append(key);
    return name;
}

} // namespace

bool Turn::is_remembered(Table table) noexcept {
    switch (table) {
    case Table::meta:
    case Table::queue:
    case Table::name:
    case Table::delayed:
    case Table::producer:
    case Table::duplicate:
        return true;
    default:
        return false;
    }
}

std::optional<std::string> Turn::get(Table table, ByteView key) {
    FLOTILLA_CHECK(is_remembered(table), "a turn does not remember changes of this table");
    if (!changed_.empty()) {
        const auto at = changed_.find(name_of(table, key));
        if (at != changed_.end()) {
            const Mutations::Change& change = mutations_.changes()[at->second];
            return change.erase ? std::nullopt : std::optional<std::string>{change.value};
        }
    }
    const Result<std::optional<ByteView>> read = snapshot().get(table, key);
    if (!read) {
        break_off(read.error());
        return std::nullopt;
    }
    return *read ? std::optional<std::string>{std::string(**read)} : std::nullopt;
}

void Turn::put(Table table, std::string key, std::string value) {
    if (is_remembered(table))
        changed_[name_of(table, key)] = mutations_.changes().size();
    mutations_.put(table, std::move(key), std::move(value));
}

void Turn::erase(Table table, std::string key) {
    if (is_remembered(table))
        changed_[name_of(table, key)] = mutations_.changes().size();
    mutations_.erase(table, std::move(key));
}

void Turn::start_over() {
    mutations_.clear();
    changed_.clear();
}

} // namespace flotilla::queue
