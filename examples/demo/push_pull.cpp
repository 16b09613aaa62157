// SPDX-License-Identifier: Apache-2.0
#include "lines.hpp"
#include "role.hpp"

#include <flotilla/pipeline/puller.hpp>
#include <flotilla/pipeline/pusher.hpp>

namespace demo {

using namespace flotilla;

Status run_push(const Arguments& arguments) {
    const auto lines = Lines::read(arguments["file"]);
    auto context = net::Context::open();
    auto where = net::parse_attachment(arguments["at"], net::AttachRule::connect);
    if (!lines || !context || !where)
        return fail(!lines ? lines.error() : !context ? context.error() : where.error());
    pipeline::PusherOptions options;
    options.attach = {*where};
    if (arguments.has("batched"))
        options.batching.emplace();
    else
        options.count_unsent = true;
    auto pusher = pipeline::Pusher::open(*context, std::move(options));
    if (!pusher)
        return fail(pusher.error());
    say("ready " + pusher->endpoints()[0].text());
    if (listen(60s) != Heard::line)
        return {};

    const std::string began = now_text();
    std::string message;
    for (std::uint64_t number = 0; number < lines->size(); ++number) {
        write_message(message, number, (*lines)[number]);
        if (auto sent = pusher->send(ByteView{message}, 60s); !sent)
            return fail(sent.error());
    }
    if (!pusher->close(60s).none())
        return fail(Errc::timeout, "the pusher could not send everything");
    say("sent " + began);
    return {};
}

Status run_pull(const Arguments& arguments) {
    Journal journal(arguments["journal"]);
    auto context = net::Context::open();
    auto where = net::parse_attachment(arguments["at"], net::AttachRule::connect);
    if (!context || !where)
        return fail(!context ? context.error() : where.error());
    pipeline::PullerOptions options;
    options.attach = {*where};
    options.unpack = arguments.has("batched");
    auto puller = pipeline::Puller::open(*context, std::move(options));
    if (!puller)
        return fail(puller.error());
    say("ready");

    std::string last;
    for (std::uint64_t told = 0; true;) {
        if (auto batch = puller->receive_batch(20ms)) {
            while (batch->left() > 0)
                journal.add(batch->next().body());
            last = now_text();
        } else if (batch.error().code != Errc::timeout) {
            return fail(batch.error());
        } else {
            if (journal.size() != told)
                say("count " + std::to_string(told = journal.size()));
            if (listen(Duration::zero()) == Heard::end)
                break;
        }
    }
    journal.flush();
    say("done last=" + last);
    return {};
}

} // namespace demo
