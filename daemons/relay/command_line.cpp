// SPDX-License-Identifier: Apache-2.0
#include "relay/command_line.hpp"

#include "host/command_line.hpp"
#include "host/setting_flags.hpp"

#include <flotilla/base/units.hpp>

#include <command_line/program.hpp>
#include <command_line/values.hpp>

#include <iostream>

namespace flotilla::relay_daemon {
namespace {

const std::string prefix = "FLOTILLA_RELAY_";

constexpr const char* examples = R"(
An endpoint is bound; '@' in front says so, '>' connects instead (quote it for the shell).
Every option can be given as FLOTILLA_RELAY_NAME in the environment, lists with commas.

Examples:
  flotilla-relay forwarder --frontend tcp://127.0.0.1:5555 --backend tcp://127.0.0.1:5556
      publishers connect to 5555, subscribers to 5556
  flotilla-relay forwarder --frontend '>tcp://127.0.0.1:5555' --backend ipc:///run/feed --last-value
      sits behind a publisher that only binds; late subscribers get the current value
  flotilla-relay streamer --frontend 'tcp://127.0.0.1:*' --backend 'tcp://127.0.0.1:*' --ready-json
      on ports of the system's choice, told as one line of JSON
  flotilla-relay queue --frontend tcp://0.0.0.0:5559 --backend ipc:///run/services \
      --curve-key relay.key_secret --allow-client-keys clients/ --curve-sides frontend
  flotilla-relay --config relay.toml
)";

// Flags as they are parsed: texts, absent when not given.
struct Flags {
    host::CommonFlags common{};
    std::string kind{};
    std::optional<std::string> name{};
    std::vector<std::string> frontend{};
    std::vector<std::string> backend{};
    std::vector<std::string> capture{};
    std::optional<std::string> overflow{};
    std::optional<bool> last_value{};
    std::optional<std::string> last_value_topics{};
    std::optional<std::string> last_value_bytes{};
    std::optional<std::string> hwm{};
    std::optional<std::string> capture_hwm{};
    std::optional<std::string> frame_bytes_max{};
    std::optional<std::string> message_bytes_max{};
    std::optional<std::string> frames_max{};
    std::optional<std::string> subscriptions_bytes_max{};
    std::vector<std::string> server_key{};
    std::vector<std::string> curve_sides{};
    DaemonSettings settings{}; // CommonSettings
};

class FlagAdder {
public:
    FlagAdder(host::Parser& parser, const char* group) : parser_(parser), group_(group) {}

    template <class Value>
    void option(const std::string& name, Value& value, const char* type, const char* help) {
        finish(parser_.add_option(name, value, help).type_name(type));
    }
    void list(const std::string& name, std::vector<std::string>& values, const char* type,
              const char* help) {
        finish(parser_.add_option(name, values, help).type_name(type).separated_by(','));
    }
    // Called only when it is given; a variable may say false.
    void flag(const std::string& name, std::optional<bool>& value, const char* help) {
        finish(parser_.add_switch(name, value, help));
    }

private:
    void finish(host::Option option) { host::read_from_environment(option.group(group_), prefix); }

    host::Parser& parser_;
    const char* group_;
};

void add_flags(host::Parser& parser, Flags& flags) {
    add_choice(
        parser, "KIND", flags.kind, {"forwarder", "queue", "streamer"},
        "What it joins: forwarder (publishers and subscribers), queue (clients and services) or "
        "streamer (pushers and pullers)")
        .variable(prefix + "KIND");

    FlagAdder relay(parser, "Relay");
    relay.list("--frontend", flags.frontend, "ENDPOINT",
               "Where senders meet it: publishers, clients, pushers");
    relay.list("--backend", flags.backend, "ENDPOINT",
               "Where receivers meet it: subscribers, services, pullers");
    relay.list("--capture", flags.capture, "ENDPOINT",
               "Publish a copy of every message here, for 'zmq tap'; lossy");
    relay.option("--name", flags.name, "NAME", "In logs and capture topics (default: relay)");
    relay.option("--overflow", flags.overflow, "POLICY",
                 "Forwarder, when a subscriber's queue is full: lossy (default: it alone loses), "
                 "drop (nobody gets the message), block:100ms (wait, then drop)");
    relay.flag("--last-value", flags.last_value,
               "Forwarder: give a new subscriber the last value of its topics; the relay then "
               "subscribes to everything");
    relay.option("--last-value-topics", flags.last_value_topics, "N",
                 "Topics remembered at most (default: 100000)");
    relay.option("--last-value-bytes", flags.last_value_bytes, "SIZE",
                 "Bytes remembered at most (default: 256MiB)");

    FlagAdder limits(parser, "Limits");
    limits.option("--hwm", flags.hwm, "N",
                  "Messages queued for each peer (default: 131072 forwarder, 1000 others)");
    limits.option("--capture-hwm", flags.capture_hwm, "N",
                  "Messages queued for each tap (default: 10000)");
    limits.option("--frame-bytes-max", flags.frame_bytes_max, "SIZE",
                  "A larger frame costs its sender the connection (default: 64MiB)");
    limits.option("--message-bytes-max", flags.message_bytes_max, "SIZE",
                  "A larger message is dropped and counted (default: 256MiB)");
    limits.option("--frames-max", flags.frames_max, "N",
                  "A message of more frames is dropped and counted (default: 1024)");
    limits.option("--subscriptions-bytes-max", flags.subscriptions_bytes_max, "SIZE",
                  "Memory for the topics of all subscribers; beyond it, who has most is cut off "
                  "(default: 256MiB)");

    FlagAdder security(parser, "Security");
    security.list("--server-key", flags.server_key, "KEY|FILE",
                  "Public key of the server that a side connects to; the second one is the "
                  "backend's");
    security.list("--curve-sides", flags.curve_sides, "SIDE",
                  "Which of frontend, backend and capture use CURVE (default: all)");
    host::add_common_settings(parser, flags.settings, flags.common, prefix);
}

// Values in texts, with the flag's name in front of what is wrong.
class Reader {
public:
    template <class Value, class Parse>
    void read(const char* flag, const std::optional<std::string>& text, std::optional<Value>& value,
              Parse&& parse) {
        if (text)
            accept(flag, parse(*text), value);
    }
    void attachments(const char* flag, const std::vector<std::string>& texts,
                     std::optional<std::vector<net::Attachment>>& value) {
        if (!texts.empty())
            accept(flag, parse_attachments(texts), value);
    }
    Status outcome() const { return wrong_ ? Status{fail(*wrong_)} : Status{}; }

private:
    template <class Value>
    void accept(const char* flag, Result<Value> parsed, std::optional<Value>& value) {
        if (parsed)
            value = std::move(*parsed);
        else if (!wrong_)
            wrong_ = Error{parsed.error().code, std::string(flag) + ": " + parsed.error().detail};
    }
    std::optional<Error> wrong_{};
};

auto count_from(std::uint64_t min, std::uint64_t max) {
    return [min, max](const std::string& text) { return parse_count(text, min, max); };
}

std::optional<std::vector<std::string>> given(std::vector<std::string>& texts) {
    if (texts.empty())
        return std::nullopt;
    return std::move(texts);
}

// What flags and variables say, and which file lies under them.
Result<Source> source_of(Flags& flags) {
    Reader in;
    RelaySettings relay;
    if (!flags.kind.empty())
        relay.kind = relay::kind_named(flags.kind);
    relay.name = flags.name;
    in.attachments("--frontend", flags.frontend, relay.frontend);
    in.attachments("--backend", flags.backend, relay.backend);
    in.attachments("--capture", flags.capture, relay.capture);
    in.read("--overflow", flags.overflow, relay.overflow, relay::parse_overflow);
    relay.last_value = flags.last_value;
    in.read("--last-value-topics", flags.last_value_topics, relay.last_value_topics,
            count_from(1, 10'000'000));
    in.read("--last-value-bytes", flags.last_value_bytes, relay.last_value_bytes, parse_bytes);
    in.read("--hwm", flags.hwm, relay.hwm, count_from(1, 1'000'000));
    in.read("--capture-hwm", flags.capture_hwm, relay.capture_hwm, count_from(1, 1'000'000));
    in.read("--frame-bytes-max", flags.frame_bytes_max, relay.frame_bytes_max, parse_bytes);
    in.read("--message-bytes-max", flags.message_bytes_max, relay.message_bytes_max, parse_bytes);
    in.read("--frames-max", flags.frames_max, relay.frames_max, count_from(1, 1024));
    in.read("--subscriptions-bytes-max", flags.subscriptions_bytes_max,
            relay.subscriptions_bytes_max, parse_bytes);
    relay.server_key = given(flags.server_key);
    relay.curve_sides = given(flags.curve_sides);
    if (const Status right = in.outcome(); !right)
        return fail(right.error());
    flags.settings.relays.push_back(std::move(relay));
    return Source{std::move(flags.settings), std::move(flags.common.config)};
}

} // namespace

Result<DaemonSettings> read_again(const Source& source) {
    return host::read_settings(source, parse_settings, lay_over);
}

std::variant<Command, ExitCode> read_command_line(int count, const char* const* arguments) {
    host::Parser parser(
        "Passes ZeroMQ messages between two sides, so that peers need to know only it.",
        program_name);
    parser.set_version(host::version_text(program_name));
    parser.set_footer(examples);
    Flags flags;
    add_flags(parser, flags);
    if (const auto done = command_line::read_words(parser, count, arguments))
        return *done;
    command_line::warn_of_unknown_variables(parser, prefix);
    flags.common.variables = command_line::given_by_variables(parser, count, arguments);
    return host::command_of<DaemonSettings>(program_name, flags.common, source_of(flags),
                                            read_again);
}

} // namespace flotilla::relay_daemon
