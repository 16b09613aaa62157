// SPDX-License-Identifier: Apache-2.0
//
// The commands of `zmq queue`, each as a verb declares itself (command.hpp).
#pragma once

#include <cli/command.hpp>

namespace flotilla::cli {

// Messages.
Run declare_queue_put(Parser& parser);
Run declare_queue_take(Parser& parser);
Run declare_queue_trace(Parser& parser);
Run declare_queue_ack(Parser& parser);
Run declare_queue_nack(Parser& parser);
Run declare_queue_touch(Parser& parser);
Run declare_queue_peek(Parser& parser);
// Queues.
Run declare_queue_create(Parser& parser);
Run declare_queue_alter(Parser& parser);
Run declare_queue_ls(Parser& parser);
Run declare_queue_stat(Parser& parser);
Run declare_queue_watch(Parser& parser);
Run declare_queue_purge(Parser& parser);
Run declare_queue_delete(Parser& parser);
Run declare_queue_kick(Parser& parser);
Run declare_queue_redrive(Parser& parser);
// Between stores.
Run declare_queue_export(Parser& parser);
Run declare_queue_import(Parser& parser);

} // namespace flotilla::cli
