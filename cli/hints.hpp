// SPDX-License-Identifier: Apache-2.0
//
// Hints: what is told to somebody whose command did not work out. A command in a hint stands at the
// end of its line, with the keys that were given, quoted for a shell: it can be pasted and works.
#pragma once

#include <flotilla/base/error.hpp>
#include <flotilla/net/monitor.hpp>

#include <cli/options.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace flotilla::cli {

// As a shell reads it as one word: as it is where that is safe, else in single quotes.
std::string shell_word(const std::string& text);
// The words as a shell reads them.
std::string shell_line(const std::vector<std::string>& words);

// The flags that a client's security was given with.
std::vector<std::string> security_words(const SecurityFlags& flags);
// "zmq doctor ENDPOINT ...", with the keys that were given.
std::string doctor_line(const std::string& endpoint, const SecurityFlags& flags);

// Where a value came from: the variable, when that is what stands in it, else the flag.
std::string source_of_value(const char* flag, const char* variable, const std::string& value);

// Errors of what connects or binds, with the flags that mend them.
Error explained(Error error);

class ConnectionHint;
// The text with the hint's sentence behind it, or in place of the end that says less of the same.
std::string with_reason(const std::string& text, const ConnectionHint& hint);

// What the connections of a client tell of why nobody answers. Pure.
class ConnectionHint {
public:
    static constexpr std::size_t endpoints_max = 64; // of more nothing is known

    void hear(const net::ConnectionEvent& event);
    // Of the one that was heard of last: "nobody listens there", or which flag to look at. Empty:
    // nothing is known, or the handshake succeeded.
    const std::string& text() const noexcept { return text_; }
    const std::string& endpoint() const noexcept { return endpoint_; }
    // "ENDPOINT: text"; empty when text() is.
    std::string sentence() const;
    // That a connection stands with somebody.
    bool is_connected() const noexcept;
    // That so many endpoints refuse connections, and nobody was met at any other.
    bool nobody_listens(std::size_t endpoints) const noexcept;

private:
    enum class State : std::uint8_t { trying, connected, met, failed, refused };
    std::map<std::string, State> states_{};
    std::string text_{};
    std::string endpoint_{};
};

} // namespace flotilla::cli
