// SPDX-License-Identifier: Apache-2.0
#include <cli/tap/pace.hpp>
#include <support/catch.hpp>

using namespace flotilla;
using namespace flotilla::cli;

namespace {

// Has everything at hand, as a PULL that has prefetched.
class Ready : public tap::Source {
public:
    Ready(std::uint64_t left, bool takes) : left_(left), takes_(takes) {}
    Result<std::optional<tap::Seen>> next() override {
        if (left_ == 0)
            return std::optional<tap::Seen>{};
        --left_;
        return std::optional{tap::Seen{wire::Frames{"x"}, {}, {}, {}, 0}};
    }
    Status turn(Duration) override { return {}; }
    std::string description() const override { return "pull"; }
    std::string endpoint_text() const override { return "tcp://127.0.0.1:1"; }
    std::uint64_t missed_total() const override { return 0; }
    bool takes() const override { return takes_; }
    bool drain(Duration) override { return false; }
    std::uint64_t left() const { return left_; }

private:
    std::uint64_t left_;
    bool takes_;
};

} // namespace

TEST_CASE("what was taken from others beyond the count is looked at, to be told", "[unit][cli]") {
    Terminal terminal("zmq trace", Verbosity::quiet);
    tap::PaceFlags flags;
    flags.count = 2;
    std::uint64_t seen = 0;
    tap::Take take;
    take.message = [&](tap::Seen, std::uint64_t) {
        ++seen;
        return Status{};
    };
    for (const bool takes : {true, false}) {
        Ready source(5, takes);
        seen = 0;
        CHECK(*tap::run(source, flags, take, terminal) == ExitCode::ok);
        CHECK(seen == 2);
        CHECK(source.left() == (takes ? 0U : 3U)); // what nobody else is denied stays
    }
}
