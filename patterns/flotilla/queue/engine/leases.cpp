// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/check.hpp>
#include <flotilla/queue/engine/leases.hpp>

#include <algorithm>

namespace flotilla::queue {
namespace {

constexpr std::size_t spare_pages_max = 64;

template <class Grants>
using OfSession = SlotLinks<Grants, &Grant::of_session>;
template <class Grants>
using OfQueue = SlotLinks<Grants, &Grant::of_queue>;

SlotList& list_of(std::vector<SlotList>& lists, Slot of) {
    if (of >= lists.size())
        lists.resize(std::size_t{of} + 1);
    return lists[of];
}

} // namespace

// ---- giving out --------------------------------------------------------------------------------

Slot Leases::open(Slot session, Slot queue, std::uint64_t user, Instant ends) {
    if (free_.empty()) {
        free_.push_back(static_cast<Slot>(grants_.size()));
        grants_.emplace_back();
    }
    const Slot slot = free_.back();
    free_.pop_back();
    grants_[slot] = Grant{session, queue, user, next_, 0, 0, 0, ends, {}, {}};
    return slot;
}

std::uint64_t Leases::add(Slot slot, Lease lease) {
    const std::uint64_t number = next_++;
    Page& page = page_for(number / page_leases);
    Grant& grant = grants_[slot];
    lease.state = Lease::State::held;
    lease.grant = slot;
    page.leases[number % page_leases] = lease;
    ++page.used;
    ++grant.count;
    ++grant.held;
    ++grant.known;
    ++held_;
    return number;
}

void Leases::close(Slot slot) {
    Grant& grant = grants_[slot];
    filling_ = nullptr;
    if (grant.count == 0) {
        free_.push_back(slot);
        return;
    }
    OfSession<std::deque<Grant>>{grants_}.push_back(list_of(by_session_, grant.session), slot);
    OfQueue<std::deque<Grant>>{grants_}.push_back(list_of(by_queue_, grant.queue), slot);
    order_.emplace(grant.ends, slot);
}

// ---- pages -------------------------------------------------------------------------------------

Leases::Page& Leases::page_for(std::uint64_t number) {
    if (filling_ != nullptr && filling_number_ == number)
        return *filling_;
    std::unique_ptr<Page>& page = pages_[number];
    if (!page) {
        if (spare_.empty()) {
            page = std::make_unique<Page>();
        } else {
            page = std::move(spare_.back()); // all its leases are free
            spare_.pop_back();
        }
    }
    filling_ = page.get();
    filling_number_ = number;
    return *page;
}

Leases::Page* Leases::pin(std::uint64_t number) {
    FLOTILLA_CHECK(pinned_ == nullptr, "leases are walked while they are walked");
    const auto at = pages_.find(number);
    if (at == pages_.end())
        return nullptr;
    pinned_ = at->second.get();
    pinned_number_ = number;
    return pinned_;
}

void Leases::unpin(std::uint64_t number) {
    Page* const page = pinned_;
    pinned_ = nullptr;
    if (page->used == 0)
        drop_page(number);
}

void Leases::drop_page(std::uint64_t number) {
    const auto at = pages_.find(number);
    if (filling_ == at->second.get())
        filling_ = nullptr;
    if (spare_.size() < spare_pages_max)
        spare_.push_back(std::move(at->second));
    pages_.erase(at);
}

Lease* Leases::find(std::uint64_t number) {
    Page* page = pinned_;
    if (page == nullptr || pinned_number_ != number / page_leases) {
        const auto at = pages_.find(number / page_leases);
        if (at == pages_.end())
            return nullptr;
        page = at->second.get();
    }
    Lease& lease = page->leases[number % page_leases];
    return lease.state == Lease::State::free ? nullptr : &lease;
}

// ---- what becomes of them ----------------------------------------------------------------------

void Leases::drop_held(Slot slot) {
    Grant& grant = grants_[slot];
    FLOTILLA_CHECK(grant.held > 0, "a grant gave more back than it held");
    --held_;
    if (--grant.held > 0)
        return;
    OfSession<std::deque<Grant>>{grants_}.erase(by_session_[grant.session], slot);
    OfQueue<std::deque<Grant>>{grants_}.erase(by_queue_[grant.queue], slot);
    order_.erase({grant.ends, slot});
}

void Leases::give_back(Lease& lease) {
    FLOTILLA_CHECK(lease.state == Lease::State::held, "a lease that is not held came back");
    lease.state = Lease::State::returned;
    drop_held(lease.grant);
}

void Leases::forget(std::uint64_t number) {
    Lease* const lease = find(number);
    FLOTILLA_CHECK(lease != nullptr, "a lease was forgotten twice");
    const Lease was = *lease;
    *lease = Lease{};
    if (was.state == Lease::State::held)
        drop_held(was.grant);
    if (--grants_[was.grant].known == 0)
        free_.push_back(was.grant);
    const std::uint64_t page = number / page_leases;
    const bool is_pinned = pinned_ != nullptr && pinned_number_ == page;
    Page& in = is_pinned ? *pinned_ : *pages_.find(page)->second;
    if (--in.used == 0 && !is_pinned)
        drop_page(page);
    if (was.other == 0)
        return;
    if (was.state == Lease::State::before) {
        if (Lease* const held = find(was.other))
            held->other = 0;
    } else {
        forget_before(was.other);
    }
}

void Leases::forget_before(std::uint64_t number) {
    Lease* const lease = find(number);
    FLOTILLA_CHECK(lease != nullptr && lease->state == Lease::State::before,
                   "a lease names another that is not before it");
    lease->other = 0;
    forget(number);
}

void Leases::supersede(std::uint64_t number, std::uint64_t held, Before before) {
    Lease* const lease = find(number);
    if (lease == nullptr)
        return;
    FLOTILLA_CHECK(lease->state == Lease::State::returned, "only what returned is held again");
    if (before == Before::forget)
        return forget(number);
    if (lease->other != 0)
        forget_before(std::exchange(lease->other, 0));
    lease->state = Lease::State::before;
    lease->other = held;
    Lease* const now = find(held);
    FLOTILLA_CHECK(now != nullptr, "a lease is superseded by none");
    now->other = number;
}

void Leases::set_waits(Slot slot, Instant ends) {
    Grant& grant = grants_[slot];
    order_.erase({grant.ends, slot});
    grant.ends = ends;
    order_.emplace(ends, slot);
}

void Leases::check() const {
    std::vector<std::uint32_t> held(grants_.size());
    std::vector<std::uint32_t> known(grants_.size());
    std::uint64_t all = 0;
    for (const auto& [number, page] : pages_) {
        std::uint32_t used = 0;
        for (const Lease& lease : page->leases) {
            if (lease.state == Lease::State::free)
                continue;
            ++used;
            ++known[lease.grant];
            if (lease.state == Lease::State::held) {
                ++held[lease.grant];
                ++all;
                FLOTILLA_CHECK(lease.ends >= grants_[lease.grant].ends,
                               "a lease ends before its grant is looked at");
            }
        }
        FLOTILLA_CHECK(used == page->used, "a page of leases is miscounted");
    }
    FLOTILLA_CHECK(all == held_, "held leases are miscounted");
    std::size_t in_order = 0;
    for (Slot slot = 0; slot < grants_.size(); ++slot) {
        const bool is_free = std::find(free_.begin(), free_.end(), slot) != free_.end();
        const Grant& grant = grants_[slot];
        FLOTILLA_CHECK(is_free ? known[slot] == 0 : grant.held == held[slot], "a grant's held");
        FLOTILLA_CHECK(is_free || grant.known == known[slot], "a grant's known");
        in_order += !is_free && grant.held > 0 ? 1 : 0;
    }
    FLOTILLA_CHECK(in_order == order_.size(), "a grant is not in the order of expiry");
}

} // namespace flotilla::queue
