// SPDX-License-Identifier: Apache-2.0
// A pattern and a topic, split at the first NUL: what matches begins with the native prefix, and a
// pattern without wildcards matches itself alone.
#include <flotilla/base/check.hpp>
#include <flotilla/pubsub/topic.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace flotilla;
    const ByteView input{reinterpret_cast<const char*>(data), size};
    const std::size_t split = std::min(input.find('\0'), input.size());
    const auto pattern = pubsub::TopicPattern::parse(input.substr(0, split));
    if (!pattern)
        return 0;
    const ByteView topic = input.substr(std::min(split + 1, input.size()));
    const bool matches = pattern->matches(topic);
    const ByteView prefix = pattern->native_prefix();
    FLOTILLA_CHECK(!matches || topic.substr(0, prefix.size()) == prefix,
                   "a topic matches that would not arrive");
    if (pattern->text().find_first_of("*#") == std::string::npos)
        FLOTILLA_CHECK(matches == (topic == pattern->text()), "a plain topic is not itself");
    return 0;
}
