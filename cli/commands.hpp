// SPDX-License-Identifier: Apache-2.0
// The verbs, by the files that hold them.
#pragma once

#include <cli/command.hpp>

namespace flotilla::cli {

// bench.cpp
Run declare_bench(Parser& parser);
// doctor.cpp
Run declare_doctor(Parser& parser);
// keys.cpp
Run declare_keys(Parser& parser);
// monitor.cpp
Run declare_monitor(Parser& parser);
// record.cpp
Run declare_record(Parser& parser);
// replay.cpp
Run declare_replay(Parser& parser);
// status.cpp
Run declare_status(Parser& parser);
// top.cpp
Run declare_top(Parser& parser);
// drain.cpp
Run declare_drain(Parser& parser);
// orders.cpp
Run declare_reload(Parser& parser);
Run declare_pause(Parser& parser);
Run declare_resume(Parser& parser);
Run declare_audit(Parser& parser);
// tap.cpp
Run declare_tap(Parser& parser);
// trace.cpp
Run declare_trace(Parser& parser);
// verbs.cpp
Run declare_pub(Parser& parser);
Run declare_sub(Parser& parser);
Run declare_push(Parser& parser);
Run declare_pull(Parser& parser);
Run declare_req(Parser& parser);
Run declare_rep(Parser& parser);
Run declare_dealer(Parser& parser);
Run declare_router(Parser& parser);
Run declare_pair(Parser& parser);
Run declare_xpub(Parser& parser);
Run declare_xsub(Parser& parser);
// proxy.cpp
Run declare_queue(Parser& parser);
Run declare_proxy(Parser& parser);
// call.cpp
Run declare_call(Parser& parser);
// serve.cpp
Run declare_serve(Parser& parser);
// services.cpp
Run declare_services(Parser& parser);
// titanic.cpp
Run declare_titanic(Parser& parser);
// completion.cpp
Run declare_completion(Parser& parser);
// manual.cpp
Run declare_manual(Parser& parser);
// version.cpp
Run declare_version(Parser& parser);

} // namespace flotilla::cli
