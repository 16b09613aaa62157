// SPDX-License-Identifier: Apache-2.0
//
// SocketFiles: whether the files of ipc listeners are still there. Who deletes one, or puts another
// in its place, leaves a daemon that runs and serves its connections, and that nobody new finds.
// Nothing but another bind brings it back, and libzmq cannot do that without ending the
// connections.
#pragma once

#include <flotilla/base/time.hpp>
#include <flotilla/net/endpoint.hpp>

#include <sys/types.h>

#include <string>
#include <vector>

namespace flotilla::host {

class SocketFiles {
public:
    static constexpr Duration look_every = 1s;

    // Bound ones; those without a file do not count.
    explicit SocketFiles(const std::vector<net::Endpoint>& endpoints);

    // Those whose file is gone or another's.
    std::vector<std::string> gone() const;
    // What is not as at the last look; looks at most every look_every.
    struct Change {
        std::string endpoint;
        bool is_gone; // else it is back
    };
    std::vector<Change> look(Instant now);

private:
    struct File {
        std::string endpoint;
        std::string path;
        ::dev_t device;
        ::ino_t inode;
        bool is_known_gone = false;
    };
    static bool is_there(const File& file);

    std::vector<File> files_{};
    Instant look_at_{};
};

} // namespace flotilla::host
