// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/system.hpp>

#include <cli/serve/watch.hpp>

namespace flotilla::cli {

using request::ErrorCode;
using Registration = request::WorkerOptions::Registration;

namespace {

constexpr std::size_t refusals_told_max = 100;

std::string key_of(const std::string& broker, ErrorCode code) {
    return broker + ": " + std::string(name(code));
}

} // namespace

void ServeWatch::registration(const net::Endpoint& broker, Registration what) {
    if (what == Registration::begun) {
        strangers_.erase(broker.text());
        right_.accepted(broker.text());
        has_no_right_ = false;
        told_.erase(key_of(broker.text(), ErrorCode::not_allowed));
        return reporter_.note("serving '" + service_ + "' at " + broker.text());
    }
    reporter_.note("left the broker at " + broker.text());
    if (!hint_.text().empty())
        reporter_.note(hint_.sentence());
}

// What goes on by itself is told once, and again when it has been otherwise.
void ServeWatch::hear(const net::ConnectionEvent& event) {
    using Kind = net::ConnectionEvent::Kind;
    reporter_.detail(net::explain(event));
    hint_.hear(event);
    key_.hear(event, net::now());
    if (event.kind == Kind::handshake_succeeded) {
        broken_handshakes_ = 0;
        told_hint_.clear();
    } else if (event.kind == Kind::disconnected && !hint_.text().empty()) {
        ++broken_handshakes_;
    }
    const bool tells = hint_.nobody_listens(1) || broken_handshakes_ >= broken_handshakes_min;
    if (!tells || hint_.text().empty() || hint_.sentence() == told_hint_)
        return;
    told_hint_ = hint_.sentence();
    reporter_.note(told_hint_ + "; it is tried again");
}

// A broker that pauses between refusals, or hears of us for the first time, gives another text for
// the same: the first one counts.
void ServeWatch::refused(const net::Endpoint& broker, ErrorCode code, const std::string& text) {
    const std::string key = key_of(broker.text(), code);
    const std::string sentence = key + ": " + text;
    const bool is_new = told_.size() < refusals_told_max && told_.insert(key).second;
    if (is_new)
        reporter_.note(sentence);
    if (code == ErrorCode::not_allowed) {
        right_.refused(broker.text(), is_new ? sentence : right_.text(), net::now());
        has_no_right_ = right_.is_everywhere(net::now());
    }
    if (code == ErrorCode::wrong_peer)
        strangers_.insert(broker.text());
    else
        strangers_.erase(broker.text());
}

bool ServeWatch::is_hopeless() const {
    return strangers_.size() == brokers_ || has_no_right_ || key_.is_everywhere(net::now());
}

std::string ServeWatch::why_hopeless() const {
    if (has_no_right_)
        return right_.text();
    return key_.is_everywhere(net::now()) ? key_.text() : std::string{};
}

} // namespace flotilla::cli
