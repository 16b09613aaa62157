// SPDX-License-Identifier: Apache-2.0
#include <cli/hints.hpp>

#include <algorithm>
#include <cstdlib>

namespace flotilla::cli {

namespace {

constexpr const char* safe_characters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                        "0123456789@%_+=:,./-";

} // namespace

std::string shell_word(const std::string& text) {
    if (!text.empty() && text.find_first_not_of(safe_characters) == std::string::npos)
        return text;
    std::string out = "'";
    for (const char c : text)
        out += c == '\'' ? "'\\''" : std::string(1, c);
    return out + "'";
}

std::string shell_line(const std::vector<std::string>& words) {
    std::string line;
    for (const std::string& word : words)
        line += (line.empty() ? "" : " ") + shell_word(word);
    return line;
}

std::vector<std::string> security_words(const SecurityFlags& flags) {
    std::vector<std::string> words;
    if (!flags.server_key.empty())
        words.insert(words.end(), {"--server-key", flags.server_key});
    if (!flags.curve_key.empty())
        words.insert(words.end(), {"--curve-key", flags.curve_key});
    if (flags.allow_plaintext)
        words.push_back("--allow-plaintext");
    return words;
}

std::string doctor_line(const std::string& endpoint, const SecurityFlags& flags) {
    SecurityFlags keys = flags;
    keys.allow_plaintext = false; // it needs no leave
    std::vector<std::string> words{"zmq", "doctor", endpoint};
    for (std::string& word : security_words(keys))
        words.push_back(std::move(word));
    return shell_line(words);
}

std::string source_of_value(const char* flag, const char* variable, const std::string& value) {
    const char* const set = std::getenv(variable);
    return set != nullptr && value == set ? variable : flag;
}

Error explained(Error error) {
    if (error.code == Errc::insecure)
        error.detail += " (--server-key for CURVE, --allow-plaintext to go without)";
    return error;
}

std::string with_reason(const std::string& text, const ConnectionHint& hint) {
    const std::string sentence = hint.sentence();
    if (sentence.empty())
        return text;
    const std::size_t same = text.find(hint.endpoint() + ": ");
    if (same != std::string::npos && sentence.starts_with(text.substr(same)))
        return text.substr(0, same) + sentence;
    return text + ": " + sentence;
}

std::string ConnectionHint::sentence() const {
    return text_.empty() ? "" : endpoint_ + ": " + text_;
}

bool ConnectionHint::is_connected() const noexcept {
    return std::any_of(states_.begin(), states_.end(),
                       [](const auto& each) { return each.second == State::met; });
}

bool ConnectionHint::nobody_listens(std::size_t endpoints) const noexcept {
    return states_.size() >= endpoints &&
           std::all_of(states_.begin(), states_.end(),
                       [](const auto& each) { return each.second == State::refused; });
}

void ConnectionHint::hear(const net::ConnectionEvent& event) {
    using Kind = net::ConnectionEvent::Kind;
    if (states_.size() == endpoints_max && states_.find(event.endpoint) == states_.end())
        return;
    const auto say = [&](std::string text) {
        text_ = std::move(text);
        endpoint_ = event.endpoint;
    };
    State& state = states_[event.endpoint];
    switch (event.kind) {
    case Kind::connected:
        state = State::connected;
        break;
    case Kind::handshake_succeeded:
        state = State::met;
        say("");
        break;
    case Kind::disconnected:
        // libzmq says nothing else of a peer whose socket does not talk to ours.
        if (state == State::connected && text_.empty())
            say("it hung up during the handshake: is its socket one that talks to ours, and does "
                "it let us in?");
        state = State::trying;
        break;
    case Kind::closed: // of an attempt to connect
        state = state == State::refused ? State::refused : State::failed;
        break;
    case Kind::connect_retried: // also after a connection that ended
        if (state != State::failed && state != State::refused)
            break;
        state = State::refused;
        say("nobody listens there");
        break;
    case Kind::handshake_failed_auth:
        say("it refused our key: is --curve-key the one that it allows?");
        break;
    case Kind::handshake_failed_protocol:
    case Kind::handshake_failed_no_detail:
        say("it broke off the handshake: does it use CURVE (then --server-key has to be its public "
            "key), or not (then leave --server-key out)? Is its socket one that talks to ours? "
            "PLAIN (an access file with [[plain]] users) is not for zmq");
        break;
    default:
        break;
    }
}

} // namespace flotilla::cli
