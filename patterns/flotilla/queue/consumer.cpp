// SPDX-License-Identifier: Apache-2.0
#include "client_options.hpp"
#include "consumer_link.hpp"

#include <flotilla/taker/run_handler.hpp>

#include <atomic>
#include <utility>

namespace flotilla::queue {

struct Consumer::Rest {
    explicit Rest(std::unique_ptr<ConsumerLink> with) : link(std::move(with)) {}
    std::unique_ptr<ConsumerLink> link;
    std::atomic<bool> stopping{false};
};

Consumer::Consumer(std::unique_ptr<Rest> rest) noexcept : rest_(std::move(rest)) {}
Consumer::Consumer(Consumer&&) noexcept = default;

Consumer& Consumer::operator=(Consumer&& other) noexcept {
    std::swap(rest_, other.rest_);
    return *this;
}

Consumer::~Consumer() {
    if (rest_)
        stop();
}

Result<Consumer> Consumer::open(net::Context& context, ConsumerOptions options) {
    if (const Status checked = check(options); !checked)
        return fail(checked.error());
    auto link =
        options.renew_in_background ? open_thread(context, options) : open_direct(context, options);
    if (!link)
        return fail(link.error());
    return Consumer{std::make_unique<Rest>(std::move(*link))};
}

Result<Message> Consumer::take(Duration wait) {
    return rest_->link->take(wait);
}
Status Consumer::ack(const Message& message) {
    return rest_->link->ack(message.lease);
}
Status Consumer::nack(const Message& message, Duration delay, std::string_view reason) {
    return rest_->link->nack(message.lease, delay, reason);
}
Status Consumer::touch(const Message& message) {
    return rest_->link->touch(message.lease);
}

Status Consumer::run(const Handler& handler) {
    return taker::run_handler(*this, handler, rest_->stopping, Duration::zero());
}

void Consumer::stop_soon() noexcept {
    rest_->stopping = true;
}

Status Consumer::process(Duration wait) {
    return rest_->link->process(wait);
}
void Consumer::stop() {
    rest_->link->stop();
}
bool Consumer::is_ready() const noexcept {
    return rest_->link->is_ready();
}
std::string Consumer::state_text() const {
    return rest_->link->state_text();
}
std::uint64_t Consumer::held() const noexcept {
    return rest_->link->held();
}
ConsumerCounters Consumer::counters() const {
    return rest_->link->counters();
}
int Consumer::fd() const noexcept {
    return rest_->link->fd();
}
bool Consumer::has_input() const noexcept {
    return rest_->link->has_input();
}
Duration Consumer::wait_max() const noexcept {
    return rest_->link->wait_max();
}

} // namespace flotilla::queue
