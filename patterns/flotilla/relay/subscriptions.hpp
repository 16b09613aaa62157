// SPDX-License-Identifier: Apache-2.0
//
// Subscriptions: who subscribes to what at one XPUB: so that only a topic's first subscription and
// last cancellation go upstream, that nobody cancels what is another's, that rights which change
// find whom they concern, and that topics take a bounded memory. Pure; private to relay.
//
// A connection is known by its descriptor, from arrived() to left(): a Monitor tells them before
// anything of the next connection with that number can be read. Peers of this process, and those of
// ZMTP 2, have none: they are counted together, and have room of their own. When somebody goes,
// libzmq cancels his topics, too, in messages that name nobody: of a connection they change
// nothing, for left() has said all of it; of who has no descriptor they are all that is heard. Who
// asks twice without one, and goes, leaves the topic behind, which loses nothing.
//
// 1. Of each topic add() says `first` and the calls that take away say `last`, alternately.
// 2. A topic is somebody's until he cancels it or goes.
// 3. What everybody asked for is counted in bytes(), also what was refused: libzmq remembers that
//    as well. When those with descriptors take more than bytes_max, who has most is to be cut off;
//    when those without do, they get nothing more.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/base/bounded_table.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace flotilla::relay {

class Subscriptions {
public:
    // What libzmq and this class keep, about. The tries of libzmq have a node for each byte of a
    // topic that no other shares.
    static constexpr std::uint64_t bytes_of_topic(std::size_t topic_bytes) noexcept {
        return 256 + 64 * std::uint64_t{topic_bytes};
    }
    static constexpr std::uint64_t bytes_of_subscription = 160; // to a topic, each

    explicit Subscriptions(std::uint64_t bytes_max) : bytes_max_(bytes_max) {}

    // A connection has this descriptor from now on; it has ended. Topics that nobody has any more.
    std::vector<std::string> arrived(int descriptor);
    std::vector<std::string> left(int descriptor);

    enum class Added : std::uint8_t {
        first,
        another, // others have it
        again,   // he has it
        nothing, // he has gone, is to be cut off, or has no descriptor, and there is no room
    };
    Added add(int descriptor, std::string_view user_id, ByteView topic);
    // He asked for what he may not have.
    void refuse(int descriptor, std::string_view user_id, ByteView topic);
    enum class Cancelled : std::uint8_t { last, others_remain, refused, not_his };
    Cancelled cancel(int descriptor, ByteView topic);

    // Who has most when there is no room for all; once each.
    struct Excess {
        int descriptor;
        std::string user_id;
        std::size_t topics; // refused ones among them
        std::uint64_t bytes;
        std::string one_topic; // of them
    };
    std::optional<Excess> take_excess();

    using May = std::function<bool(std::string_view user_id, ByteView topic)>;
    // Of those who have what they may not have; who were refused what they may have.
    std::vector<int> without_right(const May& may) const;
    std::vector<int> with_right(const May& may) const;

    // A topic of two counts twice; a refused one does not.
    std::uint64_t count() const noexcept { return count_; }
    std::uint64_t bytes() const noexcept { return bytes_; } // about

private:
    struct Interest {
        std::uint64_t holders = 0;
        std::uint64_t nameless = 0; // of them, without a descriptor
        std::uint64_t nameless_refused = 0;
        std::uint64_t uses = 0; // holders, and who was refused
        std::uint64_t owed = 0; // cancellations to come of who has gone
    };
    using Topics =
        std::unordered_map<std::string, Interest, TransparentStringHash, std::equal_to<>>;
    using Topic = Topics::value_type; // stays where it is
    struct Row {
        std::string user_id{};
        std::unordered_set<Topic*> held{};
        std::unordered_set<Topic*> refused{};
        std::uint64_t bytes = 0;
        bool is_cut = false;
    };
    Topic& topic_named(ByteView name);
    void forget_unused(Topic& topic);
    Row& row_of(int descriptor, std::string_view user_id);
    bool put(std::unordered_set<Topic*>& topics, Row& row, Topic& topic);
    void charge(Topic& topic);
    void discharge(Topic& topic);
    void heard_late(ByteView name);
    Added added(Topic& topic);
    Cancelled taken(Topic& topic);
    Topic* nameless_topic(ByteView name);
    Cancelled cancel_nameless(ByteView name);

    std::uint64_t bytes_max_;
    Topics topics_{};
    std::unordered_map<int, Row> rows_{}; // by descriptor
    std::unordered_set<int> gone_{};      // descriptors without a connection
    std::uint64_t count_ = 0;
    std::uint64_t bytes_ = 0;
    std::uint64_t bytes_nameless_ = 0; // of those without a descriptor
    std::uint64_t bytes_cut_ = 0;      // of those who are to be cut off, and have not gone
};

} // namespace flotilla::relay
