// SPDX-License-Identifier: Apache-2.0
//
// The commands of `zmq queue`, each as a verb declares itself (command.hpp).
#pragma once

#include <cli/command.hpp>

namespace flotilla::cli {

// Messages.
Run declare_queue_put(CLI::App& app);
Run declare_queue_take(CLI::App& app);
Run declare_queue_trace(CLI::App& app);
Run declare_queue_ack(CLI::App& app);
Run declare_queue_nack(CLI::App& app);
Run declare_queue_touch(CLI::App& app);
Run declare_queue_peek(CLI::App& app);
// Queues.
Run declare_queue_create(CLI::App& app);
Run declare_queue_alter(CLI::App& app);
Run declare_queue_ls(CLI::App& app);
Run declare_queue_stat(CLI::App& app);
Run declare_queue_watch(CLI::App& app);
Run declare_queue_purge(CLI::App& app);
Run declare_queue_delete(CLI::App& app);
Run declare_queue_kick(CLI::App& app);
Run declare_queue_redrive(CLI::App& app);
// Between stores.
Run declare_queue_export(CLI::App& app);
Run declare_queue_import(CLI::App& app);

} // namespace flotilla::cli
