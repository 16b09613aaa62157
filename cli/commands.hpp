// SPDX-License-Identifier: Apache-2.0
// The verbs, by the files that hold them.
#pragma once

#include <cli/command.hpp>

namespace flotilla::cli {

// bench.cpp
Run declare_bench(CLI::App& app);
// doctor.cpp
Run declare_doctor(CLI::App& app);
// keys.cpp
Run declare_keys(CLI::App& app);
// monitor.cpp
Run declare_monitor(CLI::App& app);
// record.cpp
Run declare_record(CLI::App& app);
// replay.cpp
Run declare_replay(CLI::App& app);
// status.cpp
Run declare_status(CLI::App& app);
// top.cpp
Run declare_top(CLI::App& app);
// drain.cpp
Run declare_drain(CLI::App& app);
// orders.cpp
Run declare_reload(CLI::App& app);
Run declare_pause(CLI::App& app);
Run declare_resume(CLI::App& app);
Run declare_audit(CLI::App& app);
// tap.cpp
Run declare_tap(CLI::App& app);
// trace.cpp
Run declare_trace(CLI::App& app);
// verbs.cpp
Run declare_pub(CLI::App& app);
Run declare_sub(CLI::App& app);
Run declare_push(CLI::App& app);
Run declare_pull(CLI::App& app);
Run declare_req(CLI::App& app);
Run declare_rep(CLI::App& app);
Run declare_dealer(CLI::App& app);
Run declare_router(CLI::App& app);
Run declare_pair(CLI::App& app);
Run declare_xpub(CLI::App& app);
Run declare_xsub(CLI::App& app);
// proxy.cpp
Run declare_queue(CLI::App& app);
Run declare_proxy(CLI::App& app);
// call.cpp
Run declare_call(CLI::App& app);
// serve.cpp
Run declare_serve(CLI::App& app);
// services.cpp
Run declare_services(CLI::App& app);
// completion.cpp
Run declare_completion(CLI::App& app);
// manual.cpp
Run declare_manual(CLI::App& app);
// version.cpp
Run declare_version(CLI::App& app);

} // namespace flotilla::cli
