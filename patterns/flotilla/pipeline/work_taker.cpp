// SPDX-License-Identifier: Apache-2.0
#include <flotilla/pipeline/work_taker.hpp>
#include <flotilla/taker/run_handler.hpp>

#include <atomic>
#include <utility>

namespace flotilla::pipeline {

struct WorkTaker::Rest {
    explicit Rest(taker::Taker with) noexcept : taker(std::move(with)) {}
    taker::Taker taker;
    std::atomic<bool> stopping{false};
};

WorkTaker::WorkTaker(std::unique_ptr<Rest> rest) noexcept : rest_(std::move(rest)) {}
WorkTaker::WorkTaker(WorkTaker&&) noexcept = default;

WorkTaker& WorkTaker::operator=(WorkTaker&& other) noexcept {
    std::swap(rest_, other.rest_);
    return *this;
}

WorkTaker::~WorkTaker() = default;

Result<WorkTaker> WorkTaker::open(net::Context& context, WorkTakerOptions options) {
    auto taker = taker::Taker::open(context, std::move(options));
    if (!taker)
        return fail(taker.error());
    return WorkTaker{std::make_unique<Rest>(std::move(*taker))};
}

Result<Work> WorkTaker::take(Duration wait) {
    auto taken = rest_->taker.take(wait);
    if (!taken)
        return fail(std::move(taken.error()));
    return Work{std::move(taken->body), WorkId{taken->id},     taken->attempt,
                taken->redelivered,     std::move(taken->key), taken->lease};
}

Status WorkTaker::ack(const Work& work) {
    return rest_->taker.ack(work.lease);
}
Status WorkTaker::nack(const Work& work, Duration delay, std::string_view reason) {
    return rest_->taker.nack(work.lease, delay, reason);
}
Status WorkTaker::touch(const Work& work) {
    return rest_->taker.touch(work.lease);
}

Status WorkTaker::run(const Handler& handler, Duration retry_delay) {
    return taker::run_handler(*this, handler, rest_->stopping, retry_delay);
}

void WorkTaker::stop_soon() noexcept {
    rest_->stopping = true;
}

Status WorkTaker::process(Duration wait) {
    return rest_->taker.process(wait);
}
void WorkTaker::stop() {
    rest_->taker.stop();
}

int WorkTaker::fd() const noexcept {
    return rest_->taker.fd();
}
bool WorkTaker::has_input() const noexcept {
    return rest_->taker.has_input();
}
Duration WorkTaker::wait_max() const noexcept {
    return rest_->taker.wait_max();
}
bool WorkTaker::is_ready() const noexcept {
    return rest_->taker.is_ready();
}
std::uint64_t WorkTaker::held() const noexcept {
    return rest_->taker.held();
}
TakerCounters WorkTaker::counters() const {
    return rest_->taker.counters();
}

} // namespace flotilla::pipeline
