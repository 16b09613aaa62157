// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/encoding.hpp>
#include <flotilla/net/system.hpp>
#include <flotilla/wire/envelope.hpp>

#include <cli/format.hpp>
#include <cli/input.hpp>
#include <cli/terminal.hpp>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace flotilla::cli {

namespace {

// "00-TRACE-PARENT-01": sampled. Neither part may be all zeros.
std::string new_traceparent(Random& random) {
    const auto trace = random.bytes16();
    const auto parent = random.bytes16();
    std::string text = "00-";
    append_hex(text, ByteView{trace.data(), trace.size()});
    text += '-';
    append_hex(text, ByteView{parent.data(), parent.size() / 2});
    text += "-01";
    return wire::is_traceparent(text) ? text : new_traceparent(random);
}

constexpr std::size_t read_bytes = 64 << 10;

bool has_data(int descriptor) {
    pollfd now{descriptor, POLLIN, 0};
    return poll(&now, 1, 0) > 0;
}

} // namespace

Input::Input(Input&& other) noexcept
    : kind_(other.kind_), options_(std::move(other.options_)),
      splitter_(std::move(other.splitter_)), random_(other.random_),
      patterns_(std::move(other.patterns_)), frame_separator_(std::move(other.frame_separator_)),
      topic_(std::move(other.topic_)), name_(std::move(other.name_)), made_(other.made_),
      meta_(std::move(other.meta_)), descriptor_(other.descriptor_),
      owns_descriptor_(std::exchange(other.owns_descriptor_, false)), json_(other.json_),
      trace_(other.trace_), ended_(other.ended_) {}

Input::~Input() {
    if (owns_descriptor_)
        ::close(descriptor_);
}

Result<Input> Input::open(const InputFlags& flags, Options options) {
    Input input;
    const bool forced = options.messages == std::vector<std::string>{"-"};
    const int sources = (options.messages.empty() || forced ? 0 : 1) +
                        (flags.frames.empty() ? 0 : 1) + (flags.file.empty() ? 0 : 1) +
                        (forced ? 1 : 0);
    if (sources > 1)
        return fail(Errc::bad_option, "a message, --frame, -f FILE and - exclude each other");
    input.random_ = Random{flags.seed.value_or(options.seed)};
    input.frame_separator_ = flags.frame_separator;
    input.topic_ = flags.topic;
    input.json_ = flags.json;
    input.trace_ = flags.trace;
    input.options_ = std::move(options);
    if (Status framed = input.set_framing(flags); !framed)
        return fail(framed.error());
    const bool arguments = !flags.frames.empty() || (!input.options_.messages.empty() && !forced);
    if (arguments && flags.json)
        return fail(Errc::bad_option,
                    "--json is how standard input or a file is read, and here the "
                    "messages are arguments; to print JSON say --format json");
    if (Status opened = arguments ? input.set_patterns(flags) : input.open_stream(flags, forced);
        !opened)
        return fail(opened.error());
    return input;
}

Status Input::set_patterns(const InputFlags& flags) {
    kind_ = Kind::arguments;
    const auto is_one_frame = [this](const std::string& message) {
        return frame_separator_.empty() || message.find(frame_separator_) == std::string::npos;
    };
    if (options_.routing == Options::Routing::first_frame &&
        (flags.frames.size() == 1 ||
         std::any_of(options_.messages.begin(), options_.messages.end(), is_one_frame)))
        return fail(Errc::bad_option, std::string(routed_frames_text));
    const auto parse = [&flags](const std::string& text) {
        return flags.literal ? Result<Payload>{Payload::literal(text)} : Payload::parse(text);
    };
    if (!flags.frames.empty()) {
        patterns_.emplace_back();
        for (const std::string& frame : flags.frames) {
            auto payload = parse(frame);
            if (!payload)
                return fail(payload.error());
            patterns_.back().push_back(std::move(*payload));
        }
        return {};
    }
    for (const std::string& message : options_.messages) {
        auto payload = parse(message);
        if (!payload)
            return fail(payload.error());
        patterns_.emplace_back();
        patterns_.back().push_back(std::move(*payload));
    }
    return {};
}

Status Input::set_framing(const InputFlags& flags) {
    const int kinds = int{flags.nul} + int{!flags.length_prefix.empty()} + int{flags.whole} +
                      int{flags.json} + int{flags.delimiter != "\\n"};
    if (kinds > 1)
        return fail(Errc::bad_option,
                    "-d, -0, --len-prefix, --whole and --json exclude each other");
    auto delimiter = unescape(flags.delimiter);
    auto separator = unescape(flags.frame_separator);
    if (!delimiter || !separator)
        return fail(delimiter ? separator.error() : delimiter.error());
    if (delimiter->empty())
        return fail(Errc::bad_option, "-d: an empty delimiter; --whole sends all as one message");
    SplitterOptions options;
    options.record_bytes_max = options_.message_bytes_max;
    options.delimiter = flags.nul ? std::string(1, '\0') : *delimiter;
    using Framing = SplitterOptions::Framing;
    if (flags.json) // base64 in JSON is a third longer, and names take their place
        options.record_bytes_max = options_.message_bytes_max / 2 * 3 + (64 << 10);
    if (flags.whole)
        options.framing = Framing::whole;
    else if (!flags.length_prefix.empty())
        options.framing = flags.length_prefix == "u32le" ? Framing::u32le : Framing::u32;
    splitter_ = Splitter{std::move(options)};
    frame_separator_ = std::move(*separator);
    return {};
}

Status Input::open_stream(const InputFlags& flags, bool standard_input) {
    if (flags.file.empty() || flags.file == "-") {
        const bool wanted = standard_input || flags.file == "-";
        // A closed descriptor 0 is as good as a terminal: nothing comes from there.
        if (!wanted && (is_terminal(STDIN_FILENO) || fcntl(STDIN_FILENO, F_GETFD) < 0))
            return {};
        descriptor_ = STDIN_FILENO;
        kind_ = Kind::stream;
        return {};
    }
    descriptor_ = ::open(flags.file.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor_ < 0)
        return fail(errno == ENOENT ? Errc::not_found : Errc::io,
                    "-f " + flags.file + ": " + std::strerror(errno));
    owns_descriptor_ = true;
    name_ = flags.file;
    kind_ = Kind::stream;
    return {};
}

Status Input::read_some() {
    std::array<char, read_bytes> bytes;
    ssize_t got = 0;
    do
        got = ::read(descriptor_, bytes.data(), bytes.size());
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return fail(Errc::io, "reading " + name_ + " failed: " + std::strerror(errno));
    if (got == 0)
        splitter_.end();
    else
        splitter_.feed(ByteView{bytes.data(), static_cast<std::size_t>(got)});
    return {};
}

Result<std::optional<wire::Frames>> Input::next_argument(WallTime now) {
    const std::uint64_t turn = made_ % patterns_.size();
    if (made_ >= patterns_.size() && options_.repeat == Options::Repeat::no) {
        ended_ = true;
        return std::optional<wire::Frames>{};
    }
    ++made_;
    wire::Frames frames;
    if (topic_)
        frames.add(ByteView{*topic_});
    const auto& pattern = patterns_[turn];
    if (pattern.size() == 1 && !frame_separator_.empty()) {
        auto split = split_frames(pattern[0].make(made_, now, random_));
        if (!split)
            return fail(split.error());
        for (std::size_t i = 0; i < split->size(); ++i)
            frames.add(std::move((*split)[i]));
    } else {
        for (const Payload& frame : pattern)
            frames.add(ByteView{frame.make(made_, now, random_)});
    }
    if (Status finished = finish_frames(frames, now); !finished)
        return fail(finished.error());
    return std::optional{std::move(frames)};
}

Result<wire::Frames> Input::split_frames(ByteView record) const {
    wire::Frames frames;
    const std::size_t room = wire::Frames::frames_max - (topic_ ? 1 : 0);
    while (true) {
        if (frames.size() == room)
            return fail(Errc::too_many,
                        "more than " + std::to_string(wire::Frames::frames_max) + " frames");
        const std::size_t end =
            frame_separator_.empty() ? ByteView::npos : record.find(frame_separator_);
        frames.add(record.substr(0, end));
        if (end == ByteView::npos)
            return frames;
        record.remove_prefix(end + frame_separator_.size());
    }
}

Result<wire::Frames> Input::compose(ByteView record) {
    if (json_) {
        auto line = parse_json_line(record);
        if (!line)
            return fail(line.error());
        meta_ = std::move(line->meta);
        return std::move(line->frames);
    }
    if (!topic_)
        return split_frames(record);
    auto split = split_frames(record);
    if (!split)
        return split;
    wire::Frames frames{ByteView{*topic_}};
    for (std::size_t i = 0; i < split->size(); ++i)
        frames.add(std::move((*split)[i]));
    return frames;
}

Status Input::finish_frames(wire::Frames& frames, WallTime now) {
    if (options_.routing == Options::Routing::first_frame && !json_)
        frames[0] = Blob::copy(routing_bytes(frames[0]));
    if (!trace_)
        return {};
    if (frames.size() == wire::Frames::frames_max)
        return fail(Errc::too_many, "there is no frame left for the envelope of --trace");
    wire::Envelope envelope;
    envelope.timestamp = now;
    envelope.traceparent = new_traceparent(random_);
    auto frame = wire::encode(envelope);
    if (!frame)
        return fail(frame.error());
    frames.add(ByteView{*frame});
    return {};
}

Result<std::optional<wire::Frames>> Input::next(WallTime now) {
    if (ended_ || kind_ == Kind::absent) {
        ended_ = true;
        return std::optional<wire::Frames>{};
    }
    if (kind_ == Kind::arguments)
        return next_argument(now);
    while (true) {
        auto record = splitter_.next();
        if (!record)
            return fail(record.error().code, name_ + ": " + record.error().detail);
        if (*record) {
            ++made_;
            if (json_ && (*record)->find_first_not_of(" \t\r") == ByteView::npos)
                continue; // an empty line between JSON lines means nothing
            auto frames = compose(**record);
            if (!frames)
                return fail(frames.error().code, name_ + ", record " + std::to_string(made_) +
                                                     ": " + frames.error().detail);
            if (Status finished = finish_frames(*frames, now); !finished)
                return fail(finished.error());
            return std::optional{std::move(*frames)};
        }
        if (splitter_.ended()) {
            ended_ = true;
            return std::optional<wire::Frames>{};
        }
        if (!has_data(descriptor_))
            return std::optional<wire::Frames>{};
        if (Status read = read_some(); !read)
            return fail(read.error());
    }
}

void InputWatch::set(net::Poller& poller, const Input& input, bool wanted) {
    const int descriptor = input.descriptor();
    if (descriptor < 0 || wanted == watches_)
        return;
    watches_ = wanted;
    if (wanted)
        poller.on_readable(descriptor, [] {});
    else
        poller.forget(descriptor);
}

Result<Input> open_bodies(const Bodies& bodies) {
    using Repeat = Input::Options::Repeat;
    Input::Options options;
    options.messages = bodies.arguments;
    options.message_bytes_max = bodies.message_bytes_max;
    options.repeat = bodies.count ? Repeat::yes : Repeat::no;
    options.seed = net::system_seed();
    auto input = Input::open(bodies.input, std::move(options));
    if (input && input->absent())
        return fail(Errc::bad_option, "what to " + bodies.verb +
                                          "? Give a BODY, -f FILE, or lines on standard input "
                                          "('' is an empty " +
                                          bodies.noun + ")");
    return input;
}

} // namespace flotilla::cli
