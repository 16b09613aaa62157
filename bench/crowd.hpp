// SPDX-License-Identifier: Apache-2.0
//
// A crowd of workers that register and then do nothing, in several processes, as one may hold only
// so many descriptors.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace flotilla::bench {

class Crowd {
public:
    static constexpr std::uint32_t services = 1'000;

    // `size` workers of mdp_02, spread over so many services.
    Crowd(const std::string& broker, std::uint32_t size);
    Crowd(const Crowd&) = delete;
    Crowd& operator=(const Crowd&) = delete;
    ~Crowd(); // ends them

private:
    std::vector<pid_t> processes_{};
};

// Lets this process have as many descriptors as the system allows.
void raise_descriptor_limit();

// Of this process: memory that is its own, in MiB.
double own_memory_mib();

} // namespace flotilla::bench
