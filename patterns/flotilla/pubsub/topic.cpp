// SPDX-License-Identifier: Apache-2.0
#include <flotilla/pubsub/topic.hpp>

namespace flotilla::pubsub {
namespace {

// Walks the levels of a topic or pattern: "a..b" has three, "" has one.
class Levels {
public:
    explicit Levels(std::string_view text) noexcept : text_(text) {}
    bool done() const noexcept { return begin_ > text_.size(); }
    std::string_view level() const noexcept {
        return text_.substr(begin_, text_.find('.', begin_) - begin_);
    }
    void next() noexcept { begin_ += level().size() + 1; }

private:
    std::string_view text_;
    std::size_t begin_ = 0; // of the current level; beyond the text: no level is left
};

bool is_wildcard(std::string_view level) noexcept {
    return level == "*" || level == "#";
}

auto wrong(std::string_view pattern, const char* why) {
    return fail(Errc::malformed, "the topic pattern '" + std::string(pattern) + "' " + why);
}

// Up to the first wildcard. Its dot belongs to the prefix, unless the topic may end before it.
std::size_t native_prefix_bytes(std::string_view pattern) {
    std::size_t bytes = 0;
    for (Levels levels(pattern); !levels.done(); levels.next()) {
        if (is_wildcard(levels.level())) {
            for (; !levels.done(); levels.next())
                if (levels.level() != "#")
                    return bytes;
            return bytes == 0 ? 0 : bytes - 1;
        }
        bytes += levels.level().size() + 1;
    }
    return pattern.size();
}

} // namespace

Status check_topic(ByteView topic) {
    if (topic.size() > topic_bytes_max)
        return fail(Errc::too_large, "the topic has " + std::to_string(topic.size()) +
                                         " bytes; the limit is " + std::to_string(topic_bytes_max));
    if (is_reserved(topic))
        return fail(Errc::refused,
                    "topics that begin with \\0flotilla. are reserved for heartbeats");
    return {};
}

TopicPattern::TopicPattern(std::string_view text)
    : text_(text), prefix_bytes_(native_prefix_bytes(text)) {}

Result<TopicPattern> TopicPattern::parse(std::string_view text) {
    if (text.size() > topic_bytes_max)
        return fail(Errc::too_large, "the topic pattern has " + std::to_string(text.size()) +
                                         " bytes; the limit is " + std::to_string(topic_bytes_max));
    for (Levels levels(text); !levels.done(); levels.next()) {
        const std::string_view level = levels.level();
        if (level.empty())
            return wrong(text, "has an empty level; 'a.#' is everything below 'a', and a prefix "
                               "is asked for with subscribe()");
        if (!is_wildcard(level) && level.find_first_of("*#") != std::string_view::npos)
            return wrong(text, "has a wildcard inside a level; '*' and '#' stand alone: 'a.*.b'");
        for (const char c : level)
            if (static_cast<unsigned char>(c) <= ' ' || c == '\x7f')
                return wrong(text, "has a space or control character");
    }
    return TopicPattern(text);
}

bool TopicPattern::matches(ByteView topic) const noexcept {
    Levels pattern(text_);
    Levels rest(topic);
    // Where to go on when a level does not match: behind the last `#`, which then takes one level
    // more. Earlier ones never need to, so the cost is bounded by levels times levels.
    Levels behind_hash(text_);
    Levels taken(topic);
    bool hash = false;
    while (!rest.done()) {
        if (!pattern.done() && pattern.level() == "#") {
            pattern.next();
            behind_hash = pattern;
            taken = rest;
            hash = true;
        } else if (!pattern.done() && (pattern.level() == "*" || pattern.level() == rest.level())) {
            pattern.next();
            rest.next();
        } else if (hash) {
            taken.next();
            rest = taken;
            pattern = behind_hash;
        } else {
            return false;
        }
    }
    while (!pattern.done() && pattern.level() == "#")
        pattern.next();
    return pattern.done();
}

} // namespace flotilla::pubsub
