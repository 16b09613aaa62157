// SPDX-License-Identifier: Apache-2.0
#include "world.hpp"

namespace flotilla::sim {
namespace {

namespace leased = queue::leased;

// Looks at everything, and drives dead letters back when the storm is over.
class Operator final : public Peer {
public:
    using Peer::Peer;

    void start() override {
        world_.connect(*this);
        look();
        if (world_.plan().purges_every > 0ms)
            purge();
        if (world_.plan().deletes_every > 0ms)
            erase();
        if (world_.plan().redrives)
            world_.after(world_.plan().storm_lasts + world_.up_to(300ms), [this] { redrive(); });
    }
    bool is_done() const override {
        return world_.now() > Instant{} + world_.plan().storm_lasts + 2s;
    }
    void receive(const leased::Head&, wire::Frames&) override {}

private:
    void say(const queue::Command& command) {
        world_.send(*this, {false, "look " + std::to_string(world_.serial())}, command);
    }
    void look() {
        switch (world_.random().below(5)) {
        case 0:
            say(queue::Stat{"work"});
            break;
        case 1:
            say(queue::List{"", "", 10});
            break;
        case 2:
            say(queue::Peek{"work", world_.random().one_in(2), "", 5});
            break;
        case 3:
            say(queue::Alter{"work", {{"lease_ms", "150"}}});
            break;
        default:
            if (!world_.plan().redrives)
                break;
            world_.oracle().redriven();
            say(queue::Kick{"dead", 1 + world_.random().below(5)});
        }
        world_.after(world_.up_to(150ms), [this] { look(); });
    }
    void purge() {
        world_.after(world_.up_to(2 * world_.plan().purges_every), [this] {
            say(queue::Purge{"work"});
            purge();
        });
    }
    // While the storm lasts, for what is deleted need not be delivered any more.
    void erase() {
        world_.after(world_.up_to(2 * world_.plan().deletes_every), [this] {
            if (!world_.is_storm())
                return;
            say(queue::Delete{"work", world_.random().one_in(4)});
            erase();
        });
    }
    void redrive() {
        world_.oracle().redriven();
        say(queue::Redrive{"dead", 0});
    }
};

} // namespace

std::unique_ptr<Peer> make_operator(World& world) {
    return std::make_unique<Operator>(world);
}

} // namespace flotilla::sim
