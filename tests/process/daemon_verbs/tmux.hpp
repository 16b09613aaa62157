// SPDX-License-Identifier: Apache-2.0
// Tmux: a program on a terminal of a tmux of its own: keys in, the screen's text out.
#pragma once

#include <support/catch.hpp>
#include <support/process.hpp>
#include <support/scratch.hpp>

#include <chrono>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

namespace flotilla::test {

class Tmux {
public:
    Tmux(int columns, int rows, const std::vector<std::string>& command) {
        std::vector<std::string> words{"new-session",           "-d", "-x",
                                       std::to_string(columns), "-y", std::to_string(rows)};
        // A shell notes how the program ended: tmux itself sometimes forgets to.
        words.insert(words.end(),
                     {"sh", "-c", "trap : INT; \"$@\"; echo $? > \"$0\"", folder_.file("ended")});
        words.insert(words.end(), command.begin(), command.end());
        REQUIRE(run(words).exit == Exit::with(0));
        // What the program left on the screen can be read when it has ended.
        REQUIRE(run({"set-option", "-g", "remain-on-exit", "on"}).exit == Exit::with(0));
    }
    Tmux(const Tmux&) = delete;
    Tmux& operator=(const Tmux&) = delete;
    ~Tmux() { (void)run({"kill-server"}); }

    // Names of keys as tmux has them: "q", "Tab", "Down", "NPage", "Enter", "Escape".
    void press(const std::vector<std::string>& keys) {
        std::vector<std::string> words{"send-keys"};
        words.insert(words.end(), keys.begin(), keys.end());
        REQUIRE(run(words).exit == Exit::with(0));
    }
    void resize(int columns, int rows) {
        REQUIRE(run({"resize-window", "-x", std::to_string(columns), "-y", std::to_string(rows)})
                    .exit == Exit::with(0));
    }
    std::string screen() { return run({"capture-pane", "-p"}).output; }
    // Looks until the screen is as wanted; the last screen when it never is.
    std::string wait_for(const std::function<bool(const std::string&)>& wanted) {
        const auto deadline = std::chrono::steady_clock::now() + Process::patience;
        std::string seen = screen();
        while (!wanted(seen) && std::chrono::steady_clock::now() < deadline)
            seen = screen();
        return seen;
    }
    bool shows(const std::string& part) {
        const std::string seen =
            wait_for([&](const std::string& text) { return text.find(part) != text.npos; });
        INFO(seen);
        CHECK(seen.find(part) != std::string::npos);
        return seen.find(part) != std::string::npos;
    }
    bool stops_showing(const std::string& part) {
        const std::string seen =
            wait_for([&](const std::string& text) { return text.find(part) == text.npos; });
        INFO(seen);
        CHECK(seen.find(part) == std::string::npos);
        return seen.find(part) == std::string::npos;
    }
    // The exit code of the program once it has ended; "alive" when it does not end.
    std::string exit_code() {
        std::string code;
        (void)wait_for([&](const std::string&) {
            std::ifstream file(folder_.file("ended"));
            return std::getline(file, code) && !file.eof(); // with its line's end
        });
        return code.empty() ? "alive" : code;
    }

private:
    Completed run(std::vector<std::string> words) {
        const std::vector<std::string> tmux{"tmux", "-S", folder_.file("tmux"), "-f", "/dev/null"};
        words.insert(words.begin(), tmux.begin(), tmux.end());
        return run_program(words, {}, {{"TERM=screen", "LC_ALL=C.UTF-8", "TMUX"}, {}});
    }
    ScratchFolder folder_;
};

} // namespace flotilla::test
