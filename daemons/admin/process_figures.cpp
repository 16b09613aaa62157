// SPDX-License-Identifier: Apache-2.0
#include "admin/process_figures.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

namespace flotilla::admin {
namespace {

double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double resident_bytes() {
    std::ifstream file("/proc/self/statm");
    std::uint64_t all = 0;
    std::uint64_t resident = 0;
    file >> all >> resident;
    return file ? static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE)) : 0;
}

double open_files() {
    std::error_code error;
    const std::filesystem::directory_iterator files("/proc/self/fd", error);
    if (error)
        return 0;
    return static_cast<double>(std::distance(begin(files), end(files)));
}

} // namespace

ProcessFigures process_figures() {
    ProcessFigures figures;
    rusage used{};
    if (::getrusage(RUSAGE_SELF, &used) == 0)
        figures.cpu_seconds = seconds(used.ru_utime) + seconds(used.ru_stime);
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) == 0)
        figures.open_files_max = static_cast<double>(files.rlim_cur);
    figures.resident_bytes = resident_bytes();
    figures.open_files = open_files();
    return figures;
}

} // namespace flotilla::admin
