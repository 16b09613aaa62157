// SPDX-License-Identifier: Apache-2.0
//
// Manual: docs/man/zmq.1, written from the tree of verbs and options. A test compares the file with
// this text; `zmq manual > docs/man/zmq.1` renews it.
#pragma once

#include <command_line/parser.hpp>

#include <string>

namespace flotilla::cli {

using command_line::Parser;

std::string manual_page(const Parser& root);

} // namespace flotilla::cli
