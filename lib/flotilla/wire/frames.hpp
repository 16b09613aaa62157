// SPDX-License-Identifier: Apache-2.0
//
// Frames: the bytes of one multipart message, in order. Up to four frames lie inside the object.
//
// At most frames_max frames; whoever fills it from foreign input checks the count first.
#pragma once

#include <flotilla/base/blob.hpp>
#include <flotilla/base/check.hpp>

#include <array>
#include <cstddef>
#include <initializer_list>
#include <utility>
#include <vector>

namespace flotilla::wire {

class Frames {
public:
    static constexpr std::size_t frames_max = 1024;

    Frames() = default;
    Frames(std::initializer_list<ByteView> frames) {
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
        FLOTILLA_CHECK(size_ < frames_max, "a message has too many frames");
        ++size_;
        return size_ <= near_.size() ? near_[size_ - 1] : far_.emplace_back();
    }
    void add(Blob&& frame) {
        if (size_ < near_.size())
            add() = std::move(frame);
        else
            add_far(std::move(frame));
    }
    void add(ByteView frame) {
        if (size_ < near_.size())
            add().assign(frame);
        else
            add_far(Blob::copy(frame));
    }

    Blob& operator[](std::size_t i) {
        FLOTILLA_CHECK(i < size_, "there is no such frame");
        return i < near_.size() ? near_[i] : far_[i - near_.size()];
    }
    const Blob& operator[](std::size_t i) const { return const_cast<Frames&>(*this)[i]; }
    Blob& back() { return (*this)[size_ - 1]; }
    const Blob& back() const { return (*this)[size_ - 1]; }

    void pop_back() {
        back() = Blob{};
        --size_;
        if (size_ >= near_.size())
            far_.pop_back();
    }
    void clear() {
        while (size_ > 0)
            pop_back();
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
    void add_far(Blob&& frame) { // which may be a part of this message
        FLOTILLA_CHECK(size_ < frames_max, "a message has too many frames");
        far_.push_back(std::move(frame));
        ++size_;
    }
    // `this` is empty. Only what is there is moved.
    void take(Frames& other) noexcept {
        for (std::size_t i = 0; i < other.size_ && i < near_.size(); ++i)
            near_[i] = std::move(other.near_[i]);
        far_ = std::move(other.far_);
        size_ = std::exchange(other.size_, 0);
    }

    std::array<Blob, 4> near_{};
    std::vector<Blob> far_{};
    std::size_t size_ = 0;
};

} // namespace flotilla::wire
