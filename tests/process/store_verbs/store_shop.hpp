// SPDX-License-Identifier: Apache-2.0
// A store of its own, and `zmq queue` asked about it.
#pragma once

#include <process/cli/zmq_program.hpp>
#include <process/store/store_program.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flotilla::test {

struct StoreShop {
    ScratchFolder scratch{};
    Store store = start_store_in(scratch.file("data"));

    std::vector<std::string> words(std::vector<std::string> words) const {
        words.insert(words.begin(), "queue");
        words.insert(words.begin() + 2, {"--store", store.endpoints[0]});
        return words;
    }
    Completed queue(std::vector<std::string> given, std::string_view input = {}) const {
        return run_zmq(words(std::move(given)), input);
    }
};

} // namespace flotilla::test
