// SPDX-License-Identifier: Apache-2.0
//
// RawRun: one run of a raw verb. prepare() opens everything (raw_setup.cpp); run() moves messages
// until the traffic ends (raw.cpp). When what happens is Traffic's to decide; this moves bytes.
#pragma once

#include <cli/link.hpp>
#include <cli/output.hpp>
#include <cli/raw.hpp>

#include <memory>

namespace flotilla::cli {

class RawRun {
public:
    RawRun(const RawVerb& verb, const RawFlags& flags, Terminal& terminal)
        : verb_(verb), flags_(flags), terminal_(terminal) {}

    Status prepare();
    Result<ExitCode> run();

private:
    Result<Link::Plan> make_plan(const Targets& targets) const;
    Status open_input(const std::vector<std::string>& messages);
    TrafficRules make_rules() const;

    Status loop();
    Status pump_send();
    Status pump_receive();
    Status take_message(Instant now);
    void stage(wire::Frames message);
    Status send_pending(Instant now);
    Status show(wire::Frames message);
    void hear_subscriptions();
    void count_peers(Instant now);
    void set_interest();
    void show_progress(Instant now);
    void note_leftovers();
    void note_unheard();
    Result<ExitCode> finish(Status ended);

    const RawVerb& verb_;
    const RawFlags& flags_;
    Terminal& terminal_;
    Output out_;
    std::unique_ptr<Link> link_;
    std::optional<Input> input_;
    std::optional<Payload> reply_;
    std::optional<Format> format_;
    std::optional<Traffic> traffic_;
    std::optional<Traffic::End> end_;
    std::optional<wire::Frames> pending_; // made, not yet sent,
    bool unlent_ = false;                 // nor in the link's ledger
    bool is_subscribed_to_ = false;       // xpub: a subscription has come
    Random random_{0};
    std::string text_; // reused for every message shown
    std::uint64_t unheard_ = 0;
    std::uint64_t waiting_ = 0; // sent while all who hear it were away
    bool blocked_ = false;
    bool needs_input_ = false;
    bool moved_ = false; // something happened in this round
    bool listens_ = false;
    bool watches_room_ = false;
    InputWatch input_watch_{};
};

} // namespace flotilla::cli
