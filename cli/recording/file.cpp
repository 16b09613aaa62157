// SPDX-License-Identifier: Apache-2.0
#include <cli/recording/reader.hpp>
#include <cli/recording/writer.hpp>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace flotilla::cli::recording {
namespace {

class FileSink final : public Sink {
public:
    // `base`: where in the file the recording begins.
    FileSink(std::string path, int descriptor, off_t base = 0) noexcept
        : path_(std::move(path)), descriptor_(descriptor), base_(base) {
        // A file size limit is to be an error (EFBIG), not the end of the process.
        std::signal(SIGXFSZ, SIG_IGN);
    }
    FileSink(const FileSink&) = delete;
    FileSink& operator=(const FileSink&) = delete;
    ~FileSink() override {
        if (descriptor_ != STDOUT_FILENO)
            ::close(descriptor_);
    }

    Result<std::size_t> write(ByteView bytes) override {
        ssize_t wrote = -1;
        do
            wrote = ::write(descriptor_, bytes.data(), bytes.size());
        while (wrote < 0 && errno == EINTR);
        if (wrote > 0)
            return static_cast<std::size_t>(wrote);
        return failure("cannot be written");
    }

    Status truncate(std::uint64_t bytes) override {
        const auto size = base_ + static_cast<off_t>(bytes);
        if (::ftruncate(descriptor_, size) != 0 || ::lseek(descriptor_, size, SEEK_SET) < 0)
            return failure("cannot be cut back");
        return {};
    }

    Status sync() override {
        // Pipes and devices cannot be synced, and need not be.
        if (::fsync(descriptor_) != 0 && errno != EINVAL && errno != ENOTSUP && errno != EROFS)
            return failure("cannot be synced");
        return {};
    }

private:
    tl::unexpected<Error> failure(const char* what) const {
        const int number = errno;
        const bool full = number == ENOSPC || number == EDQUOT || number == EFBIG;
        return fail(full ? Errc::disk_full : Errc::io,
                    path_ + ": " + what + ": " + std::strerror(number));
    }

    std::string path_;
    int descriptor_;
    off_t base_;
};

// Of standard output, which may be a file that others write to as well.
off_t place_in_stdout() {
    const int flags = ::fcntl(STDOUT_FILENO, F_GETFL);
    const bool appends = flags >= 0 && (flags & O_APPEND) != 0;
    const off_t place = ::lseek(STDOUT_FILENO, 0, appends ? SEEK_END : SEEK_CUR);
    return place < 0 ? 0 : place; // a pipe, which cannot be cut back either
}

tl::unexpected<Error> is_there(const std::string& path) {
    return fail(Errc::exists,
                path + " exists; --append goes on behind what it holds, --overwrite gives it up");
}

tl::unexpected<Error> open_failure(const std::string& path) {
    const int number = errno;
    if (number == EEXIST)
        return is_there(path);
    return fail(Errc::io, path + ": cannot be opened for writing: " + std::strerror(number));
}

// Open for one recorder at a time, which then may empty a file or go on behind its end. Errors:
// exists (another records to it, or `how` is O_EXCL), io.
Result<int> open_alone(const std::string& path, int how) {
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY | how, 0644);
    if (descriptor < 0)
        return open_failure(path);
    struct stat status {};
    const bool is_file = ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
    // Where a file system has no locks, nobody is kept away.
    if (is_file && ::flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        ::close(descriptor);
        return fail(Errc::exists, path + " is being written by another program; end that first, "
                                         "or record to another file");
    }
    return descriptor;
}

// Reads the old recording through; where its records end is where the new ones begin.
Result<Writer::Resume> end_of(const std::string& path) {
    auto reader = Reader::open(path);
    if (!reader)
        return fail(reader.error());
    while (true) {
        auto next = reader->next();
        if (!next)
            return fail(next.error());
        if (const auto* gap = std::get_if<Scanner::Gap>(&*next))
            return fail(Errc::damaged, path + ": " + describe(*gap) +
                                           "; nothing is appended to it, zmq replay --repair "
                                           "NEWFILE saves what is good");
        if (std::holds_alternative<Scanner::Finished>(*next))
            break;
    }
    const Scanner& state = reader->state();
    return Writer::Resume{state.records_end(), state.messages_total(), state.last_offset(), {}};
}

Result<Writer> append_to(const std::string& path, WallTime time) {
    const auto descriptor = open_alone(path, 0);
    if (!descriptor)
        return fail(descriptor.error());
    auto sink = std::make_unique<FileSink>(path, *descriptor);
    auto from = end_of(path);
    if (!from)
        return fail(from.error());
    from->time = time;
    if (auto cut = sink->truncate(from->bytes); !cut)
        return fail(cut.error());
    return Writer::resume(std::move(sink), *from);
}

} // namespace

Status check_not_there(const std::string& path) {
    struct stat status {};
    if (path != "-" && ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode))
        return is_there(path);
    return {};
}

Result<Writer> open_recording(const std::string& path, FileOptions options) {
    if (path == "-")
        return Writer::begin(
            std::make_unique<FileSink>("standard output", STDOUT_FILENO, place_in_stdout()),
            std::move(options.header));
    struct stat status {};
    const bool there = ::stat(path.c_str(), &status) == 0;
    if (there && S_ISREG(status.st_mode) && options.existing == Existing::append &&
        status.st_size > 0)
        return append_to(path, options.header.created);
    // A device or a pipe is written to as it is; only files can be lost by mistake.
    const bool device = there && !S_ISREG(status.st_mode);
    const int how = device ? 0 : options.existing == Existing::refuse ? O_CREAT | O_EXCL : O_CREAT;
    const auto descriptor = open_alone(path, how);
    if (!descriptor)
        return fail(descriptor.error());
    auto sink = std::make_unique<FileSink>(path, *descriptor);
    if (!device && options.existing == Existing::overwrite)
        if (auto emptied = sink->truncate(0); !emptied)
            return fail(emptied.error());
    return Writer::begin(std::move(sink), std::move(options.header));
}

} // namespace flotilla::cli::recording
