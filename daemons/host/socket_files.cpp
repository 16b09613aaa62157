// SPDX-License-Identifier: Apache-2.0
#include "host/socket_files.hpp"

#include <sys/stat.h>

#include <utility>

namespace flotilla::host {

SocketFiles::SocketFiles(const std::vector<net::Endpoint>& endpoints) {
    for (const net::Endpoint& each : endpoints) {
        std::string path(each.address());
        struct stat found {};
        if (each.transport() == net::Transport::ipc && ::lstat(path.c_str(), &found) == 0)
            files_.push_back({each.text(), std::move(path), found.st_dev, found.st_ino});
    }
}

bool SocketFiles::is_there(const File& file) {
    struct stat found {};
    return ::lstat(file.path.c_str(), &found) == 0 && found.st_dev == file.device &&
           found.st_ino == file.inode;
}

std::vector<std::string> SocketFiles::gone() const {
    std::vector<std::string> all;
    for (const File& each : files_)
        if (!is_there(each))
            all.push_back(each.endpoint);
    return all;
}

std::vector<SocketFiles::Change> SocketFiles::look(Instant now) {
    std::vector<Change> all;
    if (now < look_at_)
        return all;
    look_at_ = now + look_every;
    for (File& each : files_) {
        const bool was_gone = std::exchange(each.is_known_gone, !is_there(each));
        if (each.is_known_gone != was_gone)
            all.push_back({each.endpoint, each.is_known_gone});
    }
    return all;
}

} // namespace flotilla::host
