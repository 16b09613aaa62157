// SPDX-License-Identifier: Apache-2.0
// Places that belong to one test: a folder that goes with it, endpoints that nobody else uses.
#pragma once

#include <flotilla/net/endpoint.hpp>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace flotilla::test {

class ScratchFolder {
public:
    ScratchFolder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "flotilla-XXXXXX").string();
        if (!::mkdtemp(pattern.data()))
            throw std::runtime_error("cannot make a scratch folder");
        path_ = pattern;
    }
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
    ~ScratchFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    const std::filesystem::path& path() const noexcept { return path_; }
    std::string file(const std::string& name) const { return (path_ / name).string(); }
    net::Endpoint ipc(const std::string& name) const {
        return *net::Endpoint::parse("ipc://" + file(name));
    }

private:
    std::filesystem::path path_;
};

// A port of the system's choice; bind() returns which.
inline net::Endpoint any_tcp() {
    return *net::Endpoint::parse("tcp://127.0.0.1:*");
}

inline net::Endpoint fresh_inproc() {
    static std::atomic<int> serial{0};
    return *net::Endpoint::parse("inproc://test-" + std::to_string(++serial));
}

} // namespace flotilla::test
