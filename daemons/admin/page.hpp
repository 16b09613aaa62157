// SPDX-License-Identifier: Apache-2.0
//
// Page: the rows of a table that are wanted, of objects that come in no order. Keeps no more of
// them than the page has room for. Pure.
#pragma once

#include "admin/administered.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace flotilla::admin {

template <class Object>
class Page {
public:
    // `wanted` must outlive it.
    explicit Page(const Wanted& wanted) : wanted_(wanted) {}

    void offer(std::string name, const Object& object) {
        if (!name.starts_with(wanted_.prefix) || (!wanted_.after.empty() && name <= wanted_.after))
            return;
        if (objects_.size() == wanted_.rows_max) {
            ++left_out_;
            if (objects_.empty() || objects_.front().name <= name)
                return;
            std::pop_heap(objects_.begin(), objects_.end(), by_name);
            objects_.pop_back();
        }
        objects_.push_back({std::move(name), object});
        std::push_heap(objects_.begin(), objects_.end(), by_name);
    }

    struct Named {
        std::string name{};
        Object object{};
    };
    // By name. Once.
    std::vector<Named> take() {
        std::sort_heap(objects_.begin(), objects_.end(), by_name);
        return std::move(objects_);
    }
    std::uint64_t left_out() const noexcept { return left_out_; }

private:
    static bool by_name(const Named& a, const Named& b) { return a.name < b.name; }

    const Wanted& wanted_;
    std::vector<Named> objects_{}; // a heap, the last name first
    std::uint64_t left_out_ = 0;
};

} // namespace flotilla::admin
