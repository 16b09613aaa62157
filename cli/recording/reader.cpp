// SPDX-License-Identifier: Apache-2.0
#include <cli/recording/reader.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace flotilla::cli::recording {

Reader::Reader(std::string path, int descriptor) noexcept
    : path_(std::move(path)), descriptor_(descriptor), owned_(descriptor != STDIN_FILENO) {}

Reader::Reader(Reader&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)),
      owned_(other.owned_), file_bytes_(other.file_bytes_), read_bytes_(other.read_bytes_),
      scanner_(std::move(other.scanner_)), ahead_(std::move(other.ahead_)) {}

Reader& Reader::operator=(Reader&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(descriptor_, other.descriptor_);
    std::swap(owned_, other.owned_);
    std::swap(file_bytes_, other.file_bytes_);
    std::swap(read_bytes_, other.read_bytes_);
    std::swap(scanner_, other.scanner_);
    std::swap(ahead_, other.ahead_);
    return *this;
}

Reader::~Reader() {
    if (owned_ && descriptor_ >= 0)
        ::close(descriptor_);
}

Result<Reader> Reader::open(const std::string& path) {
    const int descriptor =
        path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (descriptor < 0)
        return fail(errno == ENOENT ? Errc::not_found : Errc::io,
                    path + ": " + std::strerror(errno));
    Reader reader(path == "-" ? "standard input" : path, descriptor);
    struct stat status {};
    if (::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode))
        reader.file_bytes_ = static_cast<std::uint64_t>(status.st_size);
    auto first = reader.next();
    if (!first)
        return fail(first.error());
    reader.ahead_ = std::move(*first);
    return reader;
}

Status Reader::read_more() {
    char bytes[65'536];
    ssize_t got = -1;
    do
        got = ::read(descriptor_, bytes, sizeof bytes);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return fail(Errc::io, path_ + ": cannot be read: " + std::strerror(errno));
    if (got == 0)
        scanner_.end_of_input();
    read_bytes_ += static_cast<std::uint64_t>(got);
    scanner_.feed(ByteView(bytes, static_cast<std::size_t>(got)));
    return {};
}

Result<Reader::Next> Reader::next() {
    if (ahead_)
        return *std::exchange(ahead_, std::nullopt);
    while (true) {
        Scanner::Step step = scanner_.next();
        if (auto* message = std::get_if<Message>(&step))
            return Next{std::move(*message)};
        if (auto* gap = std::get_if<Scanner::Gap>(&step))
            return Next{std::move(*gap)};
        if (std::holds_alternative<Scanner::Finished>(step))
            return Next{Scanner::Finished{}};
        if (auto* error = std::get_if<Error>(&step))
            return fail(error->code, path_ + ": " + error->detail);
        if (auto more = read_more(); !more)
            return fail(more.error());
    }
}

} // namespace flotilla::cli::recording
