// SPDX-License-Identifier: Apache-2.0
#include "role.hpp"

#include <flotilla/base/check.hpp>
#include <flotilla/net/system.hpp>

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace demo {

using namespace flotilla;

Result<Arguments> Arguments::parse(int count, char** texts) {
    Arguments arguments;
    for (int i = 0; i < count; ++i) {
        const std::string text = texts[i];
        const std::size_t equals = text.find('=');
        if (equals == std::string::npos)
            return fail(Errc::bad_option, "'" + text + "' is not NAME=VALUE");
        arguments.values_[text.substr(0, equals)] = text.substr(equals + 1);
    }
    return arguments;
}

const std::string& Arguments::operator[](const std::string& name) const {
    const auto found = values_.find(name);
    FLOTILLA_CHECK(found != values_.end(), "a role was started without one of its arguments");
    return found->second;
}

void say(const std::string& line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
}

Heard listen(Duration wait) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
    if (::poll(&input, 1, static_cast<int>(std::min<std::int64_t>(milliseconds, 60'000))) <= 0)
        return Heard::nothing;
    char bytes[64];
    return ::read(STDIN_FILENO, bytes, sizeof bytes) > 0 ? Heard::line : Heard::end;
}

std::string now_text() {
    return std::to_string(net::now().time_since_epoch().count());
}

} // namespace demo
