// SPDX-License-Identifier: Apache-2.0
//
// Cast: the processes of one step, started and listened to. What fails throws std::runtime_error
// with the process's own words; main() shows it.
#pragma once

#include "lines.hpp"
#include "steps.hpp"

#include <support/process.hpp>

#include <initializer_list>
#include <string>
#include <vector>

namespace demo {

using flotilla::test::Process;

class Role {
public:
    Role(const Setting& setting, std::string name, std::initializer_list<std::string> arguments);

    // Waits for a line that begins with `word`; returns what follows it.
    std::string wait(const std::string& word);
    void go(); // the line that starts a sender
    // Ends its input, waits for its last word and its exit.
    void finish();
    // What its last word said about `name`; 0 when nothing.
    std::uint64_t last_word(const std::string& name) const;
    std::uint64_t count(); // the last one that it told
    void kill_at_once();   // SIGKILL
    const std::string& journal() const { return journal_; }

private:
    [[noreturn]] void complain(const std::string& about) const;

    std::string name_;
    std::string journal_;
    std::string done_;
    std::uint64_t count_ = 0;
    Process process_;
};

// A fresh ipc endpoint in the scratch folder.
std::string local_endpoint(const Setting& setting, const std::string& name);

// Waits until the counts of all receivers add up to `messages`, or nothing new came for a while;
// ends them, and returns the seconds from `began`, when the sender says it began, to the last
// message.
double gather(const std::vector<Role*>& receivers, std::uint64_t messages,
              const std::string& began);

// A daemon, serving until destroyed.
class DaemonProcess {
public:
    DaemonProcess(const std::string& program, const std::vector<std::string>& arguments);
    // SIGKILL, and the same again.
    void kill_and_restart();

private:
    Process start() const;
    std::vector<std::string> command_;
    Process process_;
};

} // namespace demo
