// SPDX-License-Identifier: Apache-2.0
//
// JSON of others: read with a bound on its depth, because writing it again costs the stack.
#pragma once

#include <nlohmann/json.hpp>

#include <string_view>

namespace flotilla::cli {

inline constexpr int json_depth_max = 16;

// Ends the parse at the first bracket too deep, before anything is built.
class DepthBound final : public nlohmann::json_sax<nlohmann::ordered_json> {
public:
    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(number_integer_t) override { return true; }
    bool number_unsigned(number_unsigned_t) override { return true; }
    bool number_float(number_float_t, const string_t&) override { return true; }
    bool string(string_t&) override { return true; }
    bool binary(binary_t&) override { return true; }
    bool key(string_t&) override { return true; }
    bool start_object(std::size_t) override { return ++depth_ <= json_depth_max; }
    bool end_object() override { return --depth_ >= 0; }
    bool start_array(std::size_t) override { return ++depth_ <= json_depth_max; }
    bool end_array() override { return --depth_ >= 0; }
    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
        return false;
    }

private:
    int depth_ = 0;
};

// Discarded (is_discarded()) when it is no JSON, or too deep.
inline nlohmann::ordered_json parse_bounded(std::string_view text) {
    using Json = nlohmann::ordered_json;
    DepthBound bound;
    if (!Json::sax_parse(text, &bound))
        return Json(Json::value_t::discarded);
    return Json::parse(text, nullptr, false);
}

} // namespace flotilla::cli
