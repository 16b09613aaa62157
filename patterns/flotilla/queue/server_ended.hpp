// SPDX-License-Identifier: Apache-2.0
//
// EndedConnections: descriptors whose connections ended, until the engine is told. What a turn
// reads lies between the two, and a newcomer may have got the descriptor and spoken by then: that
// it was accepted is known before its first message, so it is asked for once more.
#pragma once

#include <vector>

namespace flotilla::queue {

class EndedConnections {
public:
    void ended(int descriptor) { waiting_.push_back(descriptor); }
    void accepted(int descriptor) { // the newcomer's now: nothing is said of the one before
        std::erase(waiting_, descriptor);
        std::erase(leaving_, descriptor);
    }
    bool empty() const noexcept { return waiting_.empty(); }
    // Calls `lost` with each that was there; `look`, before, says what has happened since. What
    // ended only then waits for the next call: its last messages were not read yet.
    template <class Look, class Lost>
    void hand_on(Look&& look, Lost&& lost) {
        if (waiting_.empty())
            return;
        leaving_.swap(waiting_);
        look();
        for (const int descriptor : leaving_)
            lost(descriptor);
        leaving_.clear();
    }

private:
    std::vector<int> waiting_{};
    std::vector<int> leaving_{}; // of a hand_on() that is under way
};

} // namespace flotilla::queue
