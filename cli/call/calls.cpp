// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/units.hpp>
#include <flotilla/net/context.hpp>
#include <flotilla/net/poller.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/request/async_client.hpp>

#include <cli/call/answers.hpp>
#include <cli/call/calls.hpp>
#include <cli/output.hpp>
#include <cli/signals.hpp>

#include <algorithm>
#include <utility>

namespace flotilla::cli {

namespace {

using request::AsyncClient;

// Answers that came out of turn wait for the oldest: so many for each request under way.
constexpr std::uint64_t held_back_factor = 16;
constexpr int sent_batch_max = 256; // requests sent before the loop looks around again

class CallRun {
public:
    CallRun(const CallFlags& flags, Terminal& terminal)
        : flags_(flags), terminal_(terminal), watch_(terminal),
          answers_(flags.unordered ? Answers::Order::as_they_come : Answers::Order::of_requests,
                   flags.parallel * held_back_factor) {}

    Status prepare();
    Result<ExitCode> run();

private:
    Status send_some();
    Status send_pending();
    Status print_answers();
    Status print(const Answered& answered);
    void note_failure(const Answered& answered);
    void end_early();
    std::string services_line() const;
    Status loop();
    bool more_was_given();
    bool is_done() const { return no_more_ && !pending_ && client_->under_way() == 0; }

    const CallFlags& flags_;
    Terminal& terminal_;
    ConnectionWatch watch_;
    std::string broker_text_;
    Output out_;
    std::optional<Format> format_;
    std::optional<Input> input_;
    Answers answers_;
    std::optional<net::Context> context_;
    std::optional<AsyncClient> client_;
    net::Poller poller_;
    std::optional<wire::Frames> pending_; // read, not yet accepted by the client
    std::uint64_t sent_ = 0;
    std::uint64_t refused_ = 0;
    std::uint64_t unanswered_ = 0;
    std::optional<Error> failed_;                                            // what ends the run
    bool no_more_ = false;                                                   // nothing more is read
    enum class Cut : std::uint8_t { no, perhaps, yes } cut_short_ = Cut::no; // although more came
    bool needs_input_ = false;
    InputWatch input_watch_{};
    std::string text_;
};

Status CallRun::prepare() {
    if (Status right = check_service(flags_.service); !right)
        return right;
    auto format = make_format(flags_.output);
    if (!format)
        return fail(format.error());
    format_ = std::move(*format);
    auto input = open_bodies({flags_.input, flags_.bodies, flags_.count,
                              flags_.broker.message_bytes_max, "ask", "request"});
    if (!input)
        return fail(input.error());
    input_.emplace(std::move(*input));
    auto link = make_broker_link(flags_.broker);
    if (!link)
        return fail(link.error());
    broker_text_ = link->text();
    request::ClientOptions client;
    client.brokers = std::move(link->brokers);
    client.dialect = link->dialect;
    client.security = std::move(link->security);
    client.message_bytes_max = link->message_bytes_max;
    client.deadline = flags_.timeout;
    client.attempt_max = flags_.retry_after;
    client.calls_max = static_cast<std::uint32_t>(flags_.parallel);
    client.connections_max =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(flags_.parallel, 1'000));
    client.on_connection = [this](const net::ConnectionEvent& event) { watch_.hear(event); };
    auto context = net::Context::open();
    if (!context)
        return fail(context.error());
    context_.emplace(std::move(*context));
    auto opened = AsyncClient::open(*context_, std::move(client));
    if (!opened)
        return fail(explained(opened.error()));
    client_.emplace(std::move(*opened));
    return {};
}

// One request on its way; would_block leaves it pending.
Status CallRun::send_pending() {
    if (pending_->bytes() > flags_.broker.message_bytes_max)
        return fail(Errc::too_large,
                    "request " + std::to_string(sent_ + 1) + " has " +
                        std::to_string(pending_->bytes()) + " bytes; the limit is " +
                        format_bytes(flags_.broker.message_bytes_max) + " (--max-size)");
    const std::uint64_t number = answers_.begin();
    request::CallOptions options;
    options.retry = !flags_.once;
    auto accepted = client_->call(
        flags_.service, *pending_, options,
        [this, number](request::CallId, Result<request::Reply> reply) {
            Answered last;
            last.request = number;
            last.restarted = reply && reply->restarted;
            last.body = reply ? Result<wire::Frames>{std::move(reply->body)} : fail(reply.error());
            answers_.end(std::move(last));
        },
        [this, number](request::PartialReply&& partial) {
            Answered piece;
            piece.request = number;
            piece.restarted = partial.restarted;
            piece.missed = partial.missed;
            piece.body = std::move(partial.body);
            answers_.partial(std::move(piece));
        });
    if (!accepted) {
        answers_.forget_last();
        return fail(accepted.error());
    }
    pending_.reset();
    ++sent_;
    return {};
}

Status CallRun::send_some() {
    needs_input_ = false;
    for (int i = 0; i < sent_batch_max; ++i) {
        if (flags_.count && sent_ == *flags_.count)
            no_more_ = true;
        if (no_more_ || client_->under_way() >= flags_.parallel || !answers_.has_room())
            return {};
        if (!pending_) {
            auto next = input_->next(net::wall_now());
            if (!next)
                return fail(next.error());
            pending_ = std::move(*next);
        }
        if (!pending_) {
            no_more_ = input_->ended();
            needs_input_ = !no_more_;
            return {};
        }
        Status sent = send_pending();
        if (!sent)
            return sent.error().code == Errc::would_block ? Status{} : sent;
    }
    return {};
}

std::string CallRun::services_line() const {
    std::vector<std::string> words{"zmq", "services", flags_.service, "--broker",
                                   flags_.broker.brokers.front()};
    for (std::string& word : security_words(flags_.broker.security))
        words.push_back(std::move(word));
    return shell_line(words);
}

void CallRun::note_failure(const Answered& answered) {
    const Error& error = answered.body.error();
    const std::string& broker = flags_.broker.brokers.front();
    const std::string which = "request " + std::to_string(answered.request) + ": ";
    if (error.code == Errc::refused) {
        ++refused_;
        terminal_.error(which + error.detail);
        if (error.detail.starts_with(name(request::ErrorCode::wrong_peer)))
            end_early(); // there is nobody to ask anything else
        return;
    }
    ++unanswered_;
    if (unanswered_ == 1) {
        terminal_.error(
            which + with_reason(error.detail.empty() ? std::string(name(error.code)) : error.detail,
                                watch_.hint()));
        if (error.code == Errc::no_peer)
            terminal_.note("this says why: " + doctor_line(broker, flags_.broker.security));
        else if (error.code == Errc::timeout)
            terminal_.note("this says whether somebody serves it: " + services_line());
    }
    if (error.code != Errc::timeout && error.code != Errc::no_peer && !failed_)
        failed_ = error;
    end_early(); // whoever asked a thousand things should not wait a thousand times in vain
}

void CallRun::end_early() {
    if (!std::exchange(no_more_, true))
        cut_short_ = pending_ || flags_.count ? Cut::yes : Cut::perhaps;
    pending_.reset();
}

Status CallRun::print(const Answered& answered) {
    const wire::Frames& body = *answered.body;
    // The end of an answer in pieces, with nothing of its own.
    if (answered.is_final && answered.part > 0 && body.size() == 1 && body[0].empty())
        return {};
    Shown shown{body};
    shown.number = answered.request;
    shown.time = net::wall_now();
    shown.type = "call";
    shown.endpoint = broker_text_;
    shown.meta = {{"service", flags_.service}, {"request", std::to_string(answered.request)}};
    if (answered.part > 0 || !answered.is_final)
        shown.meta.emplace_back("part", std::to_string(answered.part));
    shown.meta.emplace_back("final", answered.is_final ? "yes" : "no");
    text_.clear();
    if (Status formatted = format_->append(text_, shown); !formatted)
        return formatted;
    return out_.write(text_);
}

Status CallRun::print_answers() {
    while (auto answered = answers_.next()) {
        const std::string which = "request " + std::to_string(answered->request) + ": ";
        if (answered->restarted)
            terminal_.note(which + "asked again; its answer begins anew");
        if (answered->missed > 0)
            terminal_.note(which + std::to_string(answered->missed) +
                           " parts were lost on the way");
        if (!answered->body)
            note_failure(*answered);
        else if (Status printed = print(*answered); !printed)
            return printed;
    }
    return {};
}

Status CallRun::loop() {
    poller_.on_readable(client_->fd(), [] {});
    poller_.on_readable(signal_descriptor(), [] {});
    while (signal_caught() == 0 && !out_.closed()) {
        if (Status sent = send_some(); !sent)
            return sent;
        if (Status served = client_->process(Duration::zero()); !served)
            return served;
        if (Status printed = print_answers(); !printed)
            return printed;
        if (is_done())
            return {};
        const bool more =
            client_->has_input() || (!needs_input_ && !no_more_ && answers_.has_room() &&
                                     client_->under_way() < flags_.parallel && !pending_);
        if (!more)
            if (Status flushed = out_.flush(); !flushed)
                return flushed;
        input_watch_.set(poller_, *input_, needs_input_);
        if (Status turned = poller_.turn(more ? Duration::zero() : client_->wait_max()); !turned)
            return turned;
    }
    return {};
}

// Behind the last that was sent; of an input that is still open: unless it says that it has ended.
bool CallRun::more_was_given() {
    const auto next = input_->next(net::wall_now());
    return !next || next->has_value() || !input_->ended();
}

Result<ExitCode> CallRun::run() {
    const Status ended = loop();
    const Status flushed = out_.flush();
    if (!ended || !flushed)
        return fail(ended ? flushed.error() : ended.error());
    if (sent_ == 0 && no_more_ && unanswered_ == 0)
        terminal_.note("the input is empty: nothing was asked ('' is an empty request)");
    if (unanswered_ > 1)
        terminal_.note(std::to_string(unanswered_) + " requests were not answered");
    if (cut_short_ == Cut::yes || (cut_short_ == Cut::perhaps && more_was_given()))
        terminal_.note("nothing was asked of what follows request " + std::to_string(sent_));
    if (failed_)
        return exit_code(failed_->code);
    return refused_ > 0 ? ExitCode::refused : unanswered_ > 0 ? ExitCode::nothing : ExitCode::ok;
}

} // namespace

Result<ExitCode> run_call(const CallFlags& flags, Terminal& terminal) {
    CallRun run(flags, terminal);
    if (Status prepared = run.prepare(); !prepared)
        return fail(prepared.error());
    return run.run();
}

} // namespace flotilla::cli
