// SPDX-License-Identifier: Apache-2.0
//
// JSON of others: read with a bound on its depth, because writing it again costs the stack.
#pragma once

#include <nlohmann/json.hpp>

#include <string_view>

namespace flotilla::cli {

inline constexpr int json_depth_max = 16;

// Discarded (is_discarded()) when it is no JSON, or too deep.
inline nlohmann::ordered_json parse_bounded(std::string_view text) {
    using Json = nlohmann::ordered_json;
    bool is_deep = false;
    const auto shallow = [&is_deep](int depth, Json::parse_event_t, Json&) {
        is_deep = is_deep || depth > json_depth_max;
        return !is_deep;
    };
    Json json = Json::parse(text, shallow, false);
    return is_deep ? Json(Json::value_t::discarded) : json;
}

} // namespace flotilla::cli
