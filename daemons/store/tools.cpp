// SPDX-License-Identifier: Apache-2.0
#include "store/tools.hpp"

#include "store/report.hpp"
#include "store/transfer.hpp"

#include <flotilla/base/units.hpp>
#include <flotilla/net/system.hpp>

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <memory>
#include <utility>

namespace flotilla::store_daemon {
namespace {

constexpr std::size_t line_bytes_max = std::size_t{2} << 30; // 1 GiB in base64, and names

ExitCode failed(const Error& error) {
    std::cerr << "flotilla-store: " << error.detail << "\n";
    return exit_code(error.code);
}

// One line that replaces itself, ten times a second, where a person sees it.
class Progress {
public:
    void show(const std::string& text) {
        const Instant now = net::now();
        if (!shown_ || now < next_)
            return;
        next_ = now + 100ms;
        std::cerr << "\r\033[K" << text << std::flush;
        written_ = true;
    }
    void clear() {
        if (std::exchange(written_, false))
            std::cerr << "\r\033[K" << std::flush;
    }

private:
    bool shown_ = ::isatty(STDERR_FILENO) == 1;
    bool written_ = false;
    Instant next_{};
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

ExitCode import_lines(const ToolCommand& command) {
    const File file = opened(command.other, "rbe", stdin);
    if (!file)
        return failed(io_error(command.other).value());
    Progress progress;
    char* buffer = nullptr;
    std::size_t room = 0;
    const auto read = [&]() -> Result<std::optional<std::string>> {
        const ssize_t got = ::getline(&buffer, &room, file.get());
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
    const auto count = import_store(command.data, command.store, read, counted(progress));
    std::free(buffer);
    progress.clear();
    if (!count)
        return failed(count.error());
    tell("imported", *count);
    return ExitCode::ok;
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
