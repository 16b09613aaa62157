// SPDX-License-Identifier: Apache-2.0
// `zmq queue create`, `alter`, `purge`, `delete`, `kick`, `redrive`.
#include <flotilla/base/units.hpp>
#include <flotilla/queue/properties.hpp>

#include <cli/queue/listing.hpp>
#include <cli/queue/message_shown.hpp>
#include <cli/queue/store_link.hpp>
#include <cli/queue/verbs.hpp>
#include <cli/words.hpp>

#include <algorithm>
#include <memory>
#include <utility>

namespace flotilla::cli {

namespace {

using Code = queue::leased::ErrorCode;

struct QueueOrderFlags {
    std::string queue;
    std::vector<std::string> words; // properties, or ids
    std::uint64_t count = 0;
    bool or_same = false;
    bool if_empty = false;
    StoreFlags store;
};

// "zmq queue VERB ... --store ENDPOINT", as this store is spoken to.
std::string queue_line(std::vector<std::string> words, const StoreFlags& store) {
    words.insert(words.begin(), {"zmq", "queue"});
    words.insert(words.end(), {"--store", store.stores.front()});
    for (std::string& word : security_words(store.security))
        words.push_back(std::move(word));
    return shell_line(words);
}

// Whether a word gives this property a value; of times also without the _ms.
bool names_property(const std::vector<std::string>& words, const std::string& property) {
    return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
        const std::string name = word.substr(0, word.find('='));
        return name == property || name + "_ms" == property;
    });
}

// Which of the properties that were asked for are others in the queue that is there, and how to
// have these. What was not asked for is nobody's wish, and changes nothing that somebody has set.
std::string differences(StoreLink& link, const QueueOrderFlags& flags,
                        const queue::QueueProperties& wanted) {
    const auto stat = link.ask_for<queue::StatReply>(queue::Stat{flags.queue}, queue::Asked::stat);
    const std::string shows =
        "; this shows them: " + queue_line({"stat", flags.queue}, flags.store);
    if (!stat)
        return shows;
    const OptionPairs there = option_pairs(stat->text);
    std::string differs;
    bool is_same = true;
    std::vector<std::string> words{"alter", flags.queue};
    for (const auto& [name, value] : property_texts(wanted)) {
        const std::string has(value_of(there, name));
        is_same = is_same && has == value;
        if (has == value || !names_property(flags.words, name))
            continue;
        differs += (differs.empty() ? "" : ", ") + name + "=" + has;
        words.push_back(name + "=" + value);
    }
    if (is_same)
        return ", as it is wanted (--or-same is content with that)";
    if (differs.empty())
        return " with other properties" + shows;
    return ", which has " + differs +
           "; this changes it: " + queue_line(std::move(words), flags.store);
}

Error with_hint(Error error, std::optional<Code> code, const QueueOrderFlags& flags) {
    if (code == Code::no_queue)
        error.detail = "no_queue: there is no queue '" + flags.queue +
                       "'; this lists those that there are: " + queue_line({"ls"}, flags.store);
    return error;
}

Result<ExitCode> ask(const QueueOrderFlags& flags, const queue::Command& command,
                     const std::string& what, Terminal& terminal) {
    if (Status right = check_queue(flags.queue); !right)
        return fail(right.error());
    auto link = StoreLink::open(flags.store, told_to(terminal));
    if (!link)
        return fail(link.error());
    auto done = link->ask_for<queue::Done>(command, queue::Asked::other);
    if (!done && link->refused_with() == Code::exists)
        if (const auto* create = std::get_if<queue::Create>(&command))
            return fail(done.error().code, "exists: there is a queue '" + flags.queue + "'" +
                                               differences(*link, flags, create->properties));
    if (!done)
        return fail(with_hint(done.error(), link->refused_with(), flags));
    if (!what.empty())
        terminal.note(counted_are(done->done, "message") + " " + what);
    return ExitCode::ok;
}

// "name=value" words.
Result<queue::PropertyTexts> pairs_of(const std::vector<std::string>& words) {
    queue::PropertyTexts pairs;
    for (const std::string& word : words) {
        const std::size_t equals = word.find('=');
        if (equals == std::string::npos || equals == 0)
            return fail(Errc::bad_option, "'" + word +
                                              "' is no property; write NAME=VALUE, for example "
                                              "attempts_max=5 or lease=1m");
        pairs.emplace_back(word.substr(0, equals), word.substr(equals + 1));
    }
    return pairs;
}

Result<queue::QueueProperties> properties_of(const std::vector<std::string>& words) {
    auto pairs = pairs_of(words);
    if (!pairs)
        return fail(pairs.error());
    queue::QueueProperties properties;
    for (const auto& [name, value] : *pairs)
        if (Status set = set_property(properties, name, value); !set)
            return fail(set.error());
    if (Status right = check_properties(properties); !right)
        return fail(right.error());
    return properties;
}

std::string property_list() {
    std::string all = "Properties, with the values of a queue that is not told otherwise:\n";
    for (const auto& [name, value] : property_texts(queue::QueueProperties{}))
        all += "  " + name + "=" + value + "\n";
    return all + "Times may also be written with a unit, without the _ms: lease=1m. Sizes may be "
                 "64MiB.\n\n";
}

void add_queue(Parser& parser, QueueOrderFlags& flags) {
    parser.add_option("QUEUE", flags.queue, "Its name").required();
}

} // namespace

Run declare_queue_create(Parser& parser) {
    const auto flags = std::make_shared<QueueOrderFlags>();
    add_queue(parser, *flags);
    parser.add_option("NAME=VALUE", flags->words, "Properties that differ from the usual");
    parser.add_flag("--or-same", flags->or_same,
                    "Fine, too, when it is there with the same properties");
    add_store(parser, flags->store);
    parser.set_footer(property_list() +
                      "Examples:\n"
                      "  zmq queue create orders --store tcp://127.0.0.1:5560\n"
                      "  zmq queue create mail attempts_max=5 retry_delays=1s,10s,1m "
                      "dead_letter_queue=mail.dead\n"
                      "  zmq queue create ledger order=strict --or-same");
    return [flags](Terminal& terminal) -> Result<ExitCode> {
        auto properties = properties_of(flags->words);
        if (!properties)
            return fail(properties.error());
        return ask(*flags, queue::Create{flags->queue, std::move(*properties), flags->or_same}, {},
                   terminal);
    };
}

Run declare_queue_alter(Parser& parser) {
    const auto flags = std::make_shared<QueueOrderFlags>();
    add_queue(parser, *flags);
    parser.add_option("NAME=VALUE", flags->words, "What changes; see zmq queue create --help")
        .required();
    add_store(parser, flags->store);
    parser.set_footer("Examples:\n"
                      "  zmq queue alter orders lease=5m --store tcp://127.0.0.1:5560\n"
                      "  zmq queue alter orders messages_max=1000000 overflow=drop-oldest");
    return [flags](Terminal& terminal) -> Result<ExitCode> {
        auto pairs = pairs_of(flags->words);
        if (!pairs)
            return fail(pairs.error());
        queue::QueueProperties tried;
        for (const auto& [name, value] : *pairs)
            if (Status set = set_property(tried, name, value); !set)
                return fail(set.error());
        return ask(*flags, queue::Alter{flags->queue, std::move(*pairs)}, {}, terminal);
    };
}

Run declare_queue_purge(Parser& parser) {
    const auto flags = std::make_shared<QueueOrderFlags>();
    add_queue(parser, *flags);
    add_store(parser, flags->store);
    parser.set_footer("What consumers hold stays with them.\n\n"
                      "Example:\n  zmq queue purge orders.dead --store tcp://127.0.0.1:5560");
    return [flags](Terminal& terminal) {
        return ask(*flags, queue::Purge{flags->queue}, "gone", terminal);
    };
}

Run declare_queue_delete(Parser& parser) {
    const auto flags = std::make_shared<QueueOrderFlags>();
    add_queue(parser, *flags);
    parser.add_flag("--if-empty", flags->if_empty, "Only when nothing is in it; else exit 4");
    add_store(parser, flags->store);
    parser.set_footer(
        "Example:\n  zmq queue delete orders --if-empty --store tcp://127.0.0.1:5560");
    return [flags](Terminal& terminal) {
        auto ended = ask(*flags, queue::Delete{flags->queue, flags->if_empty}, {}, terminal);
        if (ended)
            terminal.note("'" + flags->queue + "' is deleted");
        return ended;
    };
}

Run declare_queue_kick(Parser& parser) {
    const auto flags = std::make_shared<QueueOrderFlags>();
    parser.add_option("QUEUE", flags->queue, "The dead-letter queue").required();
    parser.add_option("ID", flags->words, "Ids of messages in it, as zmq queue peek shows them")
        .required();
    add_store(parser, flags->store);
    parser.set_footer("Example:\n  zmq queue kick orders.dead 17 --store tcp://127.0.0.1:5560");
    return [flags](Terminal& terminal) -> Result<ExitCode> {
        for (const std::string& word : flags->words) {
            const auto id = parse_count(word, 1, UINT64_MAX - 1);
            if (!id)
                return fail(Errc::bad_option, "'" + word + "' is no id; zmq queue peek " +
                                                  flags->queue + " --format json shows them");
            auto done = ask(*flags, queue::Kick{flags->queue, *id}, {}, terminal);
            if (!done)
                return done;
        }
        return ExitCode::ok;
    };
}

Run declare_queue_redrive(Parser& parser) {
    const auto flags = std::make_shared<QueueOrderFlags>();
    parser.add_option("QUEUE", flags->queue, "The dead-letter queue").required();
    add_count(parser, "-n,--count", flags->count, {1}, "At most so many [all that are there now]");
    add_store(parser, flags->store);
    parser.set_footer("They are tried again from the first attempt on.\n\n"
                      "Example:\n  zmq queue redrive orders.dead --store tcp://127.0.0.1:5560");
    return [flags](Terminal& terminal) {
        return ask(*flags, queue::Redrive{flags->queue, flags->count}, "back", terminal);
    };
}

} // namespace flotilla::cli
