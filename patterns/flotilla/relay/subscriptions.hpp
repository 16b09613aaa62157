// SPDX-License-Identifier: Apache-2.0
//
// Subscriptions: who subscribes to what at one XPUB: so that only a topic's first subscription and
// last cancellation go upstream, that nobody cancels what is another's, that rights which change
// find whom they concern, and that topics take a bounded memory. Pure; private to relay.
//
// A connection is known by its descriptor, from arrived() to left(): a Monitor tells them before
// anything of the next connection with that number can be read. Peers of this process have none
// and are counted together. When somebody goes, libzmq cancels his topics, too, in messages that
// name nobody: of a connection they change nothing, for left() has said all of it; of a peer in
// this process they are all that is heard. Peers of ZMTP 2 have no descriptor either, so where
// none is in this process, whoever has none has nothing.
//
// 1. Of each topic add() says `first` and the calls that take away say `last`, alternately.
// 2. A topic is somebody's until he cancels it or goes.
// 3. What everybody asked for is counted in bytes(), also what was refused: libzmq remembers that
//    as well. Beyond bytes_max, who has most is to be cut off.
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

    enum class Peers : std::uint8_t { remote, also_local }; // whether some are in this process
    Subscriptions(std::uint64_t bytes_max, Peers peers) : bytes_max_(bytes_max), peers_(peers) {}

    // A connection has this descriptor from now on; it has ended. Topics that nobody has any more.
    std::vector<std::string> arrived(int descriptor);
    std::vector<std::string> left(int descriptor);

    enum class Added : std::uint8_t {
        first,
        another, // others have it
        again,   // he has it
        nothing, // he has gone, or is to be cut off
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
        std::uint64_t holders = 0;       // here and elsewhere
        std::uint64_t local = 0;         // of them, in this process
        std::uint64_t local_refused = 0; // in this process
        std::uint64_t uses = 0;          // holders, and who was refused
        std::uint64_t owed = 0;          // cancellations to come of who has gone
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
    Cancelled cancel_nameless(ByteView name);

    std::uint64_t bytes_max_;
    Peers peers_;
    Topics topics_{};
    std::unordered_map<int, Row> rows_{}; // by descriptor
    std::unordered_set<int> gone_{};      // descriptors without a connection
    std::uint64_t count_ = 0;
    std::uint64_t bytes_ = 0;
    std::uint64_t bytes_cut_ = 0; // of those who are to be cut off, and have not gone
};

} // namespace flotilla::relay
