// SPDX-License-Identifier: Apache-2.0
// `zmq queue`: durable queues of a store.
#include <cli/commands.hpp>
#include <cli/queue/verbs.hpp>

#include <array>
#include <utility>
#include <vector>

namespace flotilla::cli {

namespace {

struct QueueVerb {
    const char* name;
    const char* summary;
    Run (*declare)(Parser&);
};

constexpr std::array verbs{
    QueueVerb{"create", "Make a queue", declare_queue_create},
    QueueVerb{"alter", "Change the properties of a queue, while it is in use", declare_queue_alter},
    QueueVerb{"put", "Store messages, each confirmed when it is on disk", declare_queue_put},
    QueueVerb{"take", "Print messages and acknowledge them, or run a command for each",
              declare_queue_take},
    QueueVerb{"trace", "Take messages, and show where each spent its time", declare_queue_trace},
    QueueVerb{"ack", "Acknowledge messages that were taken with --keep", declare_queue_ack},
    QueueVerb{"nack", "Give back messages that were taken with --keep", declare_queue_nack},
    QueueVerb{"touch", "Renew the leases of messages that were taken with --keep",
              declare_queue_touch},
    QueueVerb{"peek", "Print messages without taking them", declare_queue_peek},
    QueueVerb{"ls", "List the queues, and what is in them", declare_queue_ls},
    QueueVerb{"stat", "What a queue is told to be, has counted, and holds", declare_queue_stat},
    QueueVerb{"watch", "How fast queues fill and drain, again and again", declare_queue_watch},
    QueueVerb{"purge", "Throw away all messages of a queue", declare_queue_purge},
    QueueVerb{"delete", "Delete a queue", declare_queue_delete},
    QueueVerb{"kick", "Put dead letters back where they came from, by id", declare_queue_kick},
    QueueVerb{"redrive", "Put all dead letters of a queue back where they came from",
              declare_queue_redrive},
    QueueVerb{"export", "Print queues and their messages as JSON lines", declare_queue_export},
    QueueVerb{"import", "Store what zmq queue export printed", declare_queue_import},
};

} // namespace

Run declare_queue(Parser& parser) {
    std::vector<std::pair<const Parser*, Run>> declared;
    for (const QueueVerb& each : verbs) {
        Parser& sub = parser.add_subcommand(each.name, each.summary);
        declared.emplace_back(&sub, each.declare(sub));
    }
    parser.require_subcommand();
    parser.set_footer("Examples:\n"
                      "  zmq queue create orders attempts_max=5 --store tcp://127.0.0.1:5560\n"
                      "  export FLOTILLA_STORE=tcp://127.0.0.1:5560\n"
                      "  seq 1000 | zmq queue put orders\n"
                      "  zmq queue take orders --all -- ./handle\n"
                      "  zmq queue watch");
    return [declared](Terminal& terminal) -> Result<ExitCode> {
        for (const auto& [sub, run] : declared)
            if (sub->is_named())
                return run(terminal);
        return ExitCode::usage;
    };
}

} // namespace flotilla::cli
