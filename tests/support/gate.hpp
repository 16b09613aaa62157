// SPDX-License-Identifier: Apache-2.0
//
// Gate: commands of a shell wait at it until the test opens it, for good.
#pragma once

#include <fcntl.h>
#include <support/catch.hpp>
#include <support/scratch.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

namespace flotilla::test {

class Gate {
public:
    explicit Gate(const ScratchFolder& scratch) : path_(scratch.file("gate")) {
        REQUIRE(::mkfifo(path_.c_str(), 0600) == 0);
    }
    Gate(const Gate&) = delete;
    Gate& operator=(const Gate&) = delete;
    ~Gate() {
        if (writer_ >= 0)
            ::close(writer_);
    }

    // For a shell: to open a fifo for reading waits until somebody has it open for writing.
    std::string wait() const { return ": < '" + path_ + "'"; }
    void open() {
        writer_ = ::open(path_.c_str(), O_RDWR | O_CLOEXEC); // which waits for no reader
        REQUIRE(writer_ >= 0);
    }

private:
    std::string path_;
    int writer_ = -1;
};

} // namespace flotilla::test
