// SPDX-License-Identifier: Apache-2.0
#include "cast.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <stdexcept>

namespace demo {

using flotilla::test::Exit;
using flotilla::test::Stream;

namespace {

// Enough for a million long lines on a slow machine; what works never waits that long.
constexpr std::chrono::minutes patience{10};
// Nothing new from any receiver for so long: no more will come.
constexpr std::chrono::seconds quiet_max{20};

std::vector<std::string> command(const Setting& setting, const std::string& journal,
                                 std::initializer_list<std::string> arguments) {
    std::vector<std::string> all{setting.program};
    all.insert(all.end(), arguments.begin(), arguments.end());
    all.push_back("file=" + setting.file);
    all.push_back("journal=" + journal);
    return all;
}

} // namespace

Role::Role(const Setting& setting, std::string name, std::initializer_list<std::string> arguments)
    : name_(std::move(name)), journal_(setting.folder + "/" + name_ + ".journal"),
      process_(Process::start(command(setting, journal_, arguments))) {}

void Role::complain(const std::string& about) const {
    throw std::runtime_error(name_ + ": " + about + "\n" + process_.text(Stream::error));
}

std::string Role::wait(const std::string& word) {
    // Lines of another kind, such as counts that nobody waits for any more, are passed over.
    while (auto line = process_.wait_line(Stream::output, word, patience))
        if (line->rfind(word, 0) == 0)
            return line->substr(std::min(line->size(), word.size() + 1));
    complain("did not say '" + word + "'");
}

void Role::go() {
    if (!process_.write("go\n"))
        complain("did not read its input");
}

void Role::finish() {
    process_.close_input();
    const auto exit = process_.wait_exit(patience);
    if (!exit || !(*exit == Exit::with(0)))
        complain("did not end well");
    const std::string& said = process_.text(Stream::output);
    const std::size_t at = said.find("done ");
    done_ = at == std::string::npos ? std::string{} : said.substr(at);
}

std::uint64_t Role::last_word(const std::string& name) const {
    const std::size_t at = done_.find(name + "=");
    const std::size_t value = at + name.size() + 1;
    return at == std::string::npos || value >= done_.size() || done_[value] == '\n'
               ? 0
               : std::stoull(done_.substr(value));
}

std::uint64_t Role::count() {
    while (auto line = process_.wait_line(Stream::output, "count ", std::chrono::milliseconds{10}))
        count_ = std::stoull(line->substr(6));
    return count_;
}

void Role::kill_at_once() {
    process_.signal(SIGKILL);
    const auto exit = process_.wait_exit();
    if (!exit || !(*exit == Exit::by(SIGKILL)))
        complain("had ended before it was killed");
}

std::string local_endpoint(const Setting& setting, const std::string& name) {
    return "ipc://" + setting.folder + "/" + name;
}

double gather(const std::vector<Role*>& receivers, std::uint64_t messages,
              const std::string& began) {
    // Only together do the receivers know that everything has come: each tells its count when it
    // has been idle for a moment.
    auto last_news = std::chrono::steady_clock::now();
    for (std::uint64_t before = 0, sum = 0; sum < messages; before = sum) {
        sum = 0;
        for (Role* receiver : receivers)
            sum += receiver->count();
        const auto now = std::chrono::steady_clock::now();
        if (sum != before)
            last_news = now;
        else if (now - last_news > quiet_max)
            break; // the tally will say what is missing
    }
    std::uint64_t last = 0;
    for (Role* receiver : receivers) {
        receiver->finish();
        last = std::max(last, receiver->last_word("last"));
    }
    const std::uint64_t first = std::stoull(began);
    return last > first ? static_cast<double>(last - first) / 1e9 : 0;
}

DaemonProcess::DaemonProcess(const std::string& program, const std::vector<std::string>& arguments)
    : command_([&] {
          std::vector<std::string> command{program};
          command.insert(command.end(), arguments.begin(), arguments.end());
          return command;
      }()),
      process_(start()) {}

Process DaemonProcess::start() const {
    Process process = Process::start(command_);
    if (!process.wait_line(Stream::error, "ready"))
        throw std::runtime_error(command_[0] + " did not become ready\n" +
                                 process.text(Stream::error));
    return process;
}

void DaemonProcess::kill_and_restart() {
    process_.signal(SIGKILL);
    const auto exit = process_.wait_exit();
    if (!exit || !(*exit == Exit::by(SIGKILL)))
        throw std::runtime_error(command_[0] + " had ended before it was killed\n" +
                                 process_.text(Stream::error));
    process_ = start();
}

} // namespace demo
