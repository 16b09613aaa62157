// SPDX-License-Identifier: Apache-2.0
//
// Inbox: which messages a handler has done already, so that a repeat has no second effect.
//
//     auto inbox = Inbox::open({.file = "/var/lib/mail/inbox"});
//     consumer->run([&](Message& message) {
//         return inbox->once(message_key("orders", message.id), [&] { return send_mail(message);
//         });
//     });
//
// Promise: an effect that succeeded and was remembered is not run again, while its id is among the
// last ids_max. Between an effect and its being remembered a crash leaves it unremembered: it is
// run again. Where that must not be, the id belongs into the effect's own transaction.
//
// Ids are kept as 128-bit hashes. With a file they survive this process at once, without a system
// call, and the machine after sync(). One process and one thread at a time.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/base/result.hpp>
#include <flotilla/queue/model.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace flotilla::queue {

struct InboxOptions {
    std::uint32_t ids_max = 100'000; // 1 to 10,000,000; the oldest is forgotten first
    std::filesystem::path file{};    // empty: in memory. 32 bytes an id
};

// Names a message of a queue of one store. A producer's own message_id names it better: it stays
// the same when a message is put twice.
std::string message_key(std::string_view queue, MessageId id);

class Inbox {
public:
    // Errors: bad_option (a file that was made for another ids_max too); io, disk_full;
    // address_in_use (another process has the file); malformed (not an inbox).
    static Result<Inbox> open(InboxOptions options = {});
    Inbox(Inbox&&) noexcept;
    Inbox& operator=(Inbox&&) noexcept;
    ~Inbox();

    // Runs `effect` unless it has succeeded for `id` before. What it returned; success for a
    // repeat.
    Status once(ByteView id, const std::function<Status()>& effect);

    bool has(ByteView id) const;
    void add(ByteView id);
    Status sync(); // Errors: io.
    std::size_t size() const noexcept;
    std::uint64_t repeats_total() const noexcept; // effects that once() did not run

private:
    struct Rest;
    explicit Inbox(std::unique_ptr<Rest> rest) noexcept;
    std::unique_ptr<Rest> rest_;
};

} // namespace flotilla::queue
