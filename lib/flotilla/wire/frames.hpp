// SPDX-License-Identifier: Apache-2.0
//
// Frames: the bytes of one multipart message, in order. Up to four frames lie inside the object,
// where there is nothing, not even an empty frame, until one is added: on the hot paths an object
// without frames costs no more than its size.
//
// At most frames_max frames; whoever fills it from foreign input checks the count first.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/base/check.hpp>

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace flotilla::wire {

class Frames {
public:
    static constexpr std::size_t frames_max = 1024;

    Frames() noexcept {}
    ~Frames() { clear(); }
    Frames(std::initializer_list<ByteView> frames) : Frames() {
        for (const ByteView frame : frames)
            add(frame);
    }
    Frames(Frames&& other) noexcept { take(other); }
    Frames& operator=(Frames&& other) noexcept {
        if (this != &other) {
            clear();
            take(other);
        }
        return *this;
    }

    // An empty frame, to be filled in place before another one is added.
    Blob& add() {
        if (size_ >= near_max)
            return add_far(Blob{});
        return *::new (static_cast<void*>(&near_[size_++]))
            Blob; // construct_at() would clear all of it
    }
    void add(Blob&& frame) {
        if (size_ < near_max)
            std::construct_at(&near_[size_++], std::move(frame));
        else
            add_far(std::move(frame));
    }
    void add(ByteView frame) {
        if (size_ < near_max)
            add().assign(frame);
        else
            add_far(Blob::copy(frame));
    }

    Blob& operator[](std::size_t i) {
        FLOTILLA_CHECK(i < size_, "there is no such frame");
        return i < near_max ? near_[i] : far_[i - near_max];
    }
    const Blob& operator[](std::size_t i) const { return const_cast<Frames&>(*this)[i]; }
    Blob& back() { return (*this)[size_ - 1]; }
    const Blob& back() const { return (*this)[size_ - 1]; }

    void pop_back() {
        FLOTILLA_CHECK(size_ > 0, "there is no such frame");
        if (--size_ >= near_max)
            far_.pop_back();
        else
            std::destroy_at(&near_[size_]);
    }
    void clear() noexcept {
        for (; size_ > near_max; --size_)
            far_.pop_back();
        while (size_ > 0)
            std::destroy_at(&near_[--size_]);
    }

    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    // The sum of the frames' sizes.
    std::size_t bytes() const {
        std::size_t sum = 0;
        for (std::size_t i = 0; i < size_; ++i)
            sum += (*this)[i].size();
        return sum;
    }
    // What holding them costs, for bounds on memory: a thousand empty frames are not free.
    std::size_t held_bytes() const { return bytes() + size_ * sizeof(Blob); }
    // A second handle on every frame; large bodies are shared, not copied.
    Frames share() const {
        Frames other;
        for (std::size_t i = 0; i < size_; ++i)
            other.add((*this)[i].share());
        return other;
    }

    // Blob::own_small() of each.
    void own_small() {
        for (std::size_t i = 0; i < size_; ++i)
            (*this)[i].own_small();
    }

    friend bool operator==(const Frames& a, const Frames& b) {
        if (a.size_ != b.size_)
            return false;
        for (std::size_t i = 0; i < a.size_; ++i)
            if (!(a[i] == b[i]))
                return false;
        return true;
    }

private:
    static constexpr std::size_t near_max = 4;

    Blob& add_far(Blob&& frame) { // which may be a part of this message
        FLOTILLA_CHECK(size_ < frames_max, "a message has too many frames");
        far_.push_back(std::move(frame));
        ++size_;
        return far_.back();
    }
    // `this` is empty.
    void take(Frames& other) noexcept {
        for (; size_ < other.size_ && size_ < near_max; ++size_)
            std::construct_at(&near_[size_], std::move(other.near_[size_]));
        if (other.size_ > near_max) {
            far_ = std::move(other.far_);
            other.far_.clear();
            size_ = std::exchange(other.size_, near_max);
        }
        other.clear();
    }

    std::size_t size_ = 0;
    std::vector<Blob> far_{};
    union {
        Blob near_[near_max]; // the first size_ of them
    };
};

} // namespace flotilla::wire
