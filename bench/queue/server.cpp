// SPDX-License-Identifier: Apache-2.0
#include "server.hpp"

#include "ours.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

namespace flotilla::bench {
namespace {

std::string fresh_directory(const std::string& root) {
    std::string pattern = root + "/flotilla-bench-XXXXXX";
    if (!::mkdtemp(pattern.data()))
        give_up("cannot make a directory in " + root);
    return pattern;
}

// Its standard output is ours to read.
std::pair<pid_t, int> spawn(const std::vector<std::string>& command, const std::string& log) {
    int out[2];
    if (::pipe2(out, O_CLOEXEC) != 0)
        give_up("no pipe");
    std::vector<char*> words;
    for (const std::string& each : command)
        words.push_back(const_cast<char*>(each.c_str()));
    words.push_back(nullptr);
    const pid_t child = ::fork();
    if (child < 0)
        give_up("cannot fork");
    if (child == 0) {
        ::dup2(out[1], STDOUT_FILENO);
        const int logged = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        ::dup2(logged, STDERR_FILENO);
        ::execv(words[0], words.data());
        std::_Exit(127);
    }
    ::close(out[1]);
    return {child, out[0]};
}

std::string read_line(int descriptor) {
    std::string line;
    char byte = 0;
    while (::read(descriptor, &byte, 1) == 1 && byte != '\n')
        line += byte;
    return line;
}

std::string status_file(pid_t pid, const char* name) {
    return "/proc/" + std::to_string(pid) + "/" + name;
}

} // namespace

Server::Server(std::string program, std::vector<std::string> arguments,
               const std::string& data_root)
    : program_(std::move(program)), arguments_(std::move(arguments)),
      directory_(fresh_directory(data_root)),
      endpoint_(need(net::Endpoint::parse("tcp://127.0.0.1:*"))) {
    start();
}

Server::~Server() {
    kill();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
}

void Server::start() {
    std::vector<std::string> command{program_, "--bind", endpoint_.text(), "--ready-json"};
    for (const std::string& each : arguments_)
        command.push_back(each == data ? directory_ + "/data" : each);
    const auto [child, out] = spawn(command, directory_ + "/log");
    pid_ = child;
    const std::string line = read_line(out);
    ::close(out);
    const auto said = nlohmann::json::parse(line, nullptr, false);
    if (!said.is_object())
        give_up("it does not start: " + program_);
    admin_http_ = said.value("admin_http", "");
    endpoint_ = need(net::Endpoint::parse(said["endpoints"][0].get<std::string>()));
}

void Server::kill() noexcept {
    if (pid_ <= 0)
        return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
}

double Server::restart() {
    kill();
    const double before = clock_seconds();
    start();
    return clock_seconds() - before;
}

double Server::cpu_seconds() const {
    std::ifstream in(status_file(pid_, "stat"));
    std::string line;
    std::getline(in, line);
    std::istringstream rest(line.substr(line.rfind(')') + 2));
    std::string skipped;
    for (int i = 0; i < 11; ++i)
        rest >> skipped;
    double user = 0;
    double system = 0;
    rest >> user >> system;
    return (user + system) / double(::sysconf(_SC_CLK_TCK));
}

PeakMemory::PeakMemory(pid_t pid)
    : thread_([this, pid] {
          while (!over_) {
              std::ifstream in(status_file(pid, "status"));
              std::string key;
              std::string rest;
              double own = 0;
              double file = 0;
              double kib = 0;
              while (in >> key) {
                  if ((key == "RssAnon:" || key == "RssShmem:") && in >> kib)
                      own += kib;
                  else if (key == "RssFile:" && in >> kib)
                      file = kib;
                  std::getline(in, rest);
              }
              own_ = std::max(own_.load(), own / 1024);
              file_ = std::max(file_.load(), file / 1024);
              std::this_thread::sleep_for(std::chrono::milliseconds{20});
          }
      }) {}

PeakMemory::~PeakMemory() {
    over_ = true;
    thread_.join();
}

} // namespace flotilla::bench
