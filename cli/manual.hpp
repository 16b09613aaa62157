// SPDX-License-Identifier: Apache-2.0
//
// Manual: docs/man/zmq.1, written from the tree of verbs and options. A test compares the file with
// this text; `zmq manual > docs/man/zmq.1` renews it.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace flotilla::cli {

std::string manual_page(const CLI::App& root);

} // namespace flotilla::cli
