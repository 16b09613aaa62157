// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/blob.hpp>

#include <support/catch.hpp>

#include <new>
#include <string>

using flotilla::Blob;
using flotilla::ByteView;

TEST_CASE("blob: keeps small bytes inside itself and large ones on the heap", "[unit][base]") {
    for (const std::size_t size : {0U, 1U, 47U, 48U, 49U, 64U, 100'000U}) {
        const std::string bytes(size, 'x');
        Blob blob = Blob::copy(bytes);
        CHECK(blob.view() == bytes);
        const bool inside = blob.view().data() >= reinterpret_cast<const char*>(&blob) &&
                            blob.view().data() < reinterpret_cast<const char*>(&blob + 1);
        CHECK(inside == (size <= Blob::inline_bytes_max));
    }
}

TEST_CASE("blob: a move leaves the source empty and usable", "[unit][base]") {
    for (const std::size_t size : {5U, 500U}) {
        Blob from = Blob::copy(std::string(size, 'a'));
        Blob to = std::move(from);
        CHECK(to.size() == size);
        CHECK(from.empty());
        from = Blob::copy("again");
        CHECK(from == ByteView{"again"});
        Blob& self = from;
        from = std::move(self);
        CHECK(from == ByteView{"again"});
    }
}

TEST_CASE("blob: is filled in place of what it held, small or large", "[unit][base]") {
    Blob blob = Blob::copy(std::string(500, 'a'));
    const Blob shared = blob.share();
    for (const std::size_t size : {3U, 48U, 49U, 1000U, 0U, 60U}) {
        const std::string bytes(size, 'n');
        blob.assign(bytes);
        CHECK(blob.view() == bytes);
    }
    CHECK(shared == ByteView{std::string(500, 'a')});
}

TEST_CASE("blob: sharing a large body does not copy it", "[unit][base]") {
    Blob first = Blob::copy(std::string(1000, 'b'));
    Blob second = first.share();
    CHECK(first.view().data() == second.view().data());
    first = Blob{};
    CHECK(second.size() == 1000);
}

TEST_CASE("blob: a foreign owner is moved, shared and destroyed exactly once a handle",
          "[unit][base]") {
    static int alive = 0;
    struct Owner {
        std::string text;
        explicit Owner(std::string t) : text(std::move(t)) { ++alive; }
        ~Owner() { --alive; }
    };
    static const Blob::Owner ops{
        [](const void* s) noexcept { return static_cast<const Owner*>(s)->text.data(); },
        [](void* to, void* from) noexcept {
            new (to) Owner{std::move(static_cast<Owner*>(from)->text)};
            static_cast<Owner*>(from)->~Owner();
        },
        [](void* to, const void* from) noexcept {
            new (to) Owner{static_cast<const Owner*>(from)->text};
        },
        [](void* s) noexcept { static_cast<Owner*>(s)->~Owner(); },
    };
    {
        Blob a = Blob::own(ops, 4, [](void* s) { new (s) Owner{"mine"}; });
        Blob b = a.share();
        Blob c = std::move(a);
        CHECK(alive == 2);
        CHECK(b == ByteView{"mine"});
        CHECK(c == ByteView{"mine"});
        CHECK(c.storage_of(ops) != nullptr);
        CHECK(a.storage_of(ops) == nullptr);
        c.become(ops, 5, [](void* s) { new (s) Owner{"other"}; });
        CHECK(alive == 2);
        CHECK(c == ByteView{"other"});
        c.assign("bytes");
        CHECK(alive == 1);
    }
    CHECK(alive == 0);
}
