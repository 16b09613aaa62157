// SPDX-License-Identifier: Apache-2.0
//
// A role is one process of the demo: it opens its end of a link, says "ready" on stdout, does its
// part, and writes what the steps must know, one line each:
//
//     ready [ENDPOINT]    it is attached
//     joined              a subscriber heard the first probe
//     sent AT             everything was given away (asked: and answered); the first message went
//     at AT count N             receivers, whenever nothing came for a while: received so far half
//     the source or asker gave half of it away, and waits stopping            the worker that will
//     be killed stops at the next work it gets holding [N]         it has so much work in hand done
//     NAME=VALUE...  its last word: last=AT, when its last message came, ...
//
// AT is in nanoseconds of the clock that all processes of a machine share.
//
// Its stdin tells it when: a line starts the sender, the end of the input ends any role.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/base/time.hpp>

#include <map>
#include <string>

namespace demo {

class Arguments {
public:
    // "name=value" texts. Errors: bad_option.
    static flotilla::Result<Arguments> parse(int count, char** texts);

    bool has(const std::string& name) const { return values_.count(name) > 0; }
    // Aborts when there is none: only the steps start roles.
    const std::string& operator[](const std::string& name) const;
    std::uint64_t number(const std::string& name) const { return std::stoull((*this)[name]); }

private:
    std::map<std::string, std::string> values_;
};

// What every role does with its standard streams.
void say(const std::string& line);
// The next line of stdin came within `wait`. Lines are never longer than a pipe takes at once.
enum class Heard { line, nothing, end };
Heard listen(flotilla::Duration wait);

std::string now_text();

flotilla::Status run_push(const Arguments& arguments);
flotilla::Status run_pull(const Arguments& arguments);
flotilla::Status run_publish(const Arguments& arguments);
flotilla::Status run_subscribe(const Arguments& arguments);
flotilla::Status run_source(const Arguments& arguments);
flotilla::Status run_worker(const Arguments& arguments);
flotilla::Status run_ask(const Arguments& arguments);
flotilla::Status run_serve(const Arguments& arguments);
flotilla::Status run_put(const Arguments& arguments);
flotilla::Status run_drain(const Arguments& arguments);

} // namespace demo
