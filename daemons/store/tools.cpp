// SPDX-License-Identifier: Apache-2.0
#include "store/tools.hpp"

#include "host/program.hpp"
#include "store/report.hpp"
#include "store/transfer.hpp"

#include <flotilla/base/units.hpp>
#include <flotilla/net/system.hpp>

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <memory>
#include <utility>

namespace flotilla::store_daemon {
namespace {

constexpr std::size_t line_bytes_max = std::size_t{2} << 30; // 1 GiB in base64, and names

ExitCode failed(const Error& error) {
    return host::refuse(program_name, error);
}

// One line that replaces itself, ten times a second, where a person sees it; in a log, of what
// may want to know it afterwards, a line every few seconds.
class Progress {
public:
    enum class Elsewhere : std::uint8_t { silent, lines };
    explicit Progress(Elsewhere elsewhere = Elsewhere::silent)
        : elsewhere_(elsewhere), next_(net::now() + (is_terminal_ ? Duration::zero() : pause)) {}

    void show(const std::string& text) {
        const Instant now = net::now();
        if (now < next_)
            return;
        if (is_terminal_) {
            next_ = now + 100ms;
            std::cerr << "\r\033[K" << text << std::flush;
            written_ = true;
        } else if (elsewhere_ == Elsewhere::lines) {
            next_ = now + pause;
            std::cerr << "flotilla-store: " << text << "\n";
        }
    }
    void clear() {
        if (std::exchange(written_, false))
            std::cerr << "\r\033[K" << std::flush;
    }

private:
    static constexpr Duration pause = 5s;
    bool is_terminal_ = ::isatty(STDERR_FILENO) == 1;
    bool written_ = false;
    Elsewhere elsewhere_;
    Instant next_;
};

queue::StoreProgress bytes_shown(Progress& progress, std::string what) {
    return [&progress, what = std::move(what)](std::uint64_t done, std::uint64_t all) {
        progress.show(what + " " + format_bytes(done) + " of " + format_bytes(all));
    };
}

ExitCode verify(const ToolCommand& command) {
    Progress progress;
    const auto report = queue::verify_store(command.data, bytes_shown(progress, "read"));
    progress.clear();
    if (!report)
        return failed(report.error());
    for (const std::string& each : report->findings)
        std::cout << each << "\n";
    if (report->given_up)
        std::cerr << "flotilla-store: a journal was given up " << report->given_up->times
                  << " times, last on " << utc_text(report->given_up->wall_ms)
                  << ": what was confirmed in turns behind " << report->given_up->turn
                  << " may be missing\n";
    std::cerr << "flotilla-store: " << report->queues << " queues, " << report->messages
              << " messages, " << format_bytes(report->bytes) << ": "
              << (report->damaged == 0 ? "nothing is damaged"
                                       : std::to_string(report->damaged) + " damaged")
              << "\n";
    return report->damaged == 0 ? ExitCode::ok : ExitCode::refused;
}

ExitCode copied(const Status& done, const std::string& what) {
    if (!done)
        return failed(done.error());
    std::cerr << "flotilla-store: " << what << "\n";
    return ExitCode::ok;
}

ExitCode backup(const ToolCommand& command) {
    Progress progress;
    const Status done =
        queue::back_up_store(command.data, command.other, bytes_shown(progress, "copied"));
    progress.clear();
    return copied(done, "backup in " + command.other);
}

ExitCode restore(const ToolCommand& command) {
    Progress progress;
    const Status done =
        queue::restore_store(command.other, command.data, bytes_shown(progress, "copied"));
    progress.clear();
    return copied(done, "restored into " + command.data);
}

ExitCode give_up_journal(const ToolCommand& command) {
    const auto done = queue::give_up_journal(command.data, command.store);
    if (!done)
        return failed(done.error());
    std::cerr << "flotilla-store: " << done->fault << "\nflotilla-store: gave up what it held, but "
              << done->turns_kept << " turns that could be read"
              << (done->kept_as.empty() ? "" : "; the file is " + done->kept_as.string()) << "\n";
    return ExitCode::ok;
}

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

File opened(const std::string& path, const char* mode, std::FILE* standard) {
    if (path.empty() || path == "-")
        return {standard, [](std::FILE*) { return 0; }};
    return {std::fopen(path.c_str(), mode), &std::fclose};
}

auto io_error(const std::string& path) {
    return fail(errno == ENOSPC ? Errc::disk_full : Errc::io,
                (path.empty() ? "standard input or output" : path) + ": " + std::strerror(errno));
}

void tell(const char* what, const TransferCount& count) {
    std::cerr << "flotilla-store: " << what << " " << count.queues << " queues, " << count.messages
              << " messages"
              << (count.repeats > 0
                      ? "; " + std::to_string(count.repeats) + " queues were there already"
                      : "")
              << "\n";
}

TransferProgress counted(Progress& progress) {
    return [&progress](const TransferCount& count) {
        progress.show(std::to_string(count.messages) + " messages");
    };
}

ExitCode export_lines(const ToolCommand& command) {
    const File file = opened(command.other, "wbe", stdout);
    if (!file)
        return failed(io_error(command.other).value());
    Progress progress;
    const auto write = [&](std::string_view line) -> Status {
        if (std::fwrite(line.data(), 1, line.size(), file.get()) != line.size())
            return io_error(command.other);
        return {};
    };
    const auto count = export_store(command.data, command.store, write, counted(progress));
    progress.clear();
    if (!count)
        return failed(count.error());
    if (std::fflush(file.get()) != 0)
        return failed(io_error(command.other).value());
    tell("exported", *count);
    return ExitCode::ok;
}

volatile std::sig_atomic_t is_stopped = 0;

// Once, without restarting what waits: a second signal ends the process as it would have.
void stop_on_signals() {
    struct sigaction stop {};
    stop.sa_handler = [](int) { is_stopped = 1; };
    stop.sa_flags = static_cast<int>(SA_RESETHAND);
    for (const int each : {SIGINT, SIGTERM, SIGHUP})
        ::sigaction(each, &stop, nullptr);
}

ExitCode import_lines(const ToolCommand& command) {
    const File file = opened(command.other, "rbe", stdin);
    if (!file)
        return failed(io_error(command.other).value());
    Progress progress(Progress::Elsewhere::lines);
    TransferCount last;
    const auto told = [&](const TransferCount& count) {
        last = count;
        progress.show(std::to_string(count.messages) + " messages are in, up to line " +
                      std::to_string(count.lines));
    };
    // An interrupt ends it between two lines, so that it can be said which.
    stop_on_signals();
    char* buffer = nullptr;
    std::size_t room = 0;
    const auto read = [&]() -> Result<std::optional<std::string>> {
        const ssize_t got = is_stopped != 0 ? -1 : ::getline(&buffer, &room, file.get());
        if (is_stopped != 0)
            return fail(Errc::stopped, "stopped by a signal");
        if (got < 0 && std::ferror(file.get()) != 0)
            return io_error(command.other);
        if (got < 0)
            return std::optional<std::string>{};
        if (static_cast<std::size_t>(got) > line_bytes_max)
            return fail(Errc::too_large, "a line has more than 2 GiB");
        std::string line(buffer, static_cast<std::size_t>(got));
        if (!line.empty() && line.back() == '\n')
            line.pop_back();
        return std::optional{std::move(line)};
    };
    const auto count = import_store(command.data, command.store, command.from_line, read, told);
    std::free(buffer);
    progress.clear();
    if (count) {
        tell("imported", *count);
        return ExitCode::ok;
    }
    const ExitCode code = failed(count.error());
    tell("imported", last);
    std::cerr << "flotilla-store: what is up to line " << last.lines
              << " is in; go on with --from-line " << last.lines + 1;
    if (last.doubtful > last.lines)
        std::cerr << " (some of what is up to line " << last.doubtful << " may be in too)";
    std::cerr << "\n";
    return code;
}

} // namespace

ExitCode run_tool(const ToolCommand& command) {
    switch (command.tool) {
    case Tool::verify:
        return verify(command);
    case Tool::backup:
        return backup(command);
    case Tool::restore:
        return restore(command);
    case Tool::export_lines:
        return export_lines(command);
    case Tool::import_lines:
        return import_lines(command);
    case Tool::give_up_journal:
        return give_up_journal(command);
    }
    return ExitCode::usage;
}

} // namespace flotilla::store_daemon
