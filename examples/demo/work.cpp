// SPDX-License-Identifier: Apache-2.0
#include "lines.hpp"
#include "role.hpp"

#include <flotilla/net/context.hpp>
#include <flotilla/pipeline/work_source.hpp>
#include <flotilla/pipeline/work_taker.hpp>

#include <vector>

namespace demo {

using namespace flotilla;

namespace {

Status submit(pipeline::WorkSource& source, const Lines& lines, std::uint64_t from,
              std::uint64_t to) {
    std::string message;
    for (std::uint64_t number = from; number < to; ++number) {
        write_message(message, number, lines[number]);
        if (auto accepted = source.submit(ByteView{message}, {.key = {}, .wait = 60s}); !accepted)
            return fail(accepted.error());
    }
    return {};
}

} // namespace

// Half of the lines, a pause in which one worker is told to stop, and the other half.
Status run_source(const Arguments& arguments) {
    const auto lines = Lines::read(arguments["file"], arguments.number("rounds"));
    auto context = net::Context::open();
    auto where = net::parse_attachment(arguments["at"], net::AttachRule::bind);
    if (!lines || !context || !where)
        return fail(!lines ? lines.error() : !context ? context.error() : where.error());
    auto source = pipeline::WorkSource::open(*context);
    if (!source)
        return fail(source.error());
    auto bound = source->bind(where->endpoint);
    if (!bound)
        return fail(bound.error());
    say("ready " + bound->text());
    const auto serve_until_told = [&]() -> Status {
        while (listen(Duration::zero()) == Heard::nothing)
            if (auto served = source->process(10ms); !served)
                return served;
        return {};
    };

    if (auto served = serve_until_told(); !served)
        return served;
    const std::string began = now_text();
    const std::uint64_t half = lines->size() / 2;
    if (auto submitted = submit(*source, *lines, 0, half); !submitted)
        return submitted;
    say("half");
    if (auto served = serve_until_told(); !served)
        return served;
    if (auto submitted = submit(*source, *lines, half, lines->size()); !submitted)
        return submitted;
    const auto drained = source->drain(300s);
    if (!drained)
        return fail(drained.error());
    if (!drained->complete())
        return fail(Errc::timeout, std::to_string(drained->left.unfinished()) +
                                       " messages were never acknowledged");
    say("sent " + began);
    say("done last=" + now_text());
    return {};
}

Status run_worker(const Arguments& arguments) {
    constexpr std::size_t batch_messages_max = 256;
    Journal journal(arguments["journal"]);
    auto context = net::Context::open();
    auto where = net::parse_attachment(arguments["at"], net::AttachRule::connect);
    if (!context || !where)
        return fail(!context ? context.error() : where.error());
    pipeline::WorkTakerOptions options;
    options.sources = {where->endpoint};
    auto taker = pipeline::WorkTaker::open(*context, std::move(options));
    if (!taker)
        return fail(taker.error());
    while (!taker->is_ready())
        if (auto opened = taker->process(1s); !opened)
            return opened;
    say("ready");

    bool stopping = false;
    while (true) {
        const Heard heard = listen(Duration::zero());
        if (heard == Heard::end)
            break;
        if (heard == Heard::line) {
            stopping = true;
            say("stopping");
        }
        std::vector<pipeline::Work> taken;
        for (auto work = taker->take(20ms); work; work = taker->take(Duration::zero())) {
            journal.add(work->body[0], work->redelivered != wire::leased::Redelivered::no);
            taken.push_back(std::move(*work));
            if (taken.size() == batch_messages_max)
                break;
        }
        journal.flush(); // done and on record; only then acknowledged
        if (stopping && !taken.empty()) {
            say("holding " + std::to_string(taker->held()));
            while (listen(60s) == Heard::nothing) {
            }
            break;
        }
        for (const pipeline::Work& work : taken)
            if (auto acknowledged = taker->ack(work);
                !acknowledged && acknowledged.error().code != Errc::lease_lost)
                return acknowledged;
    }
    return {};
}

} // namespace demo
