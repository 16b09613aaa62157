// SPDX-License-Identifier: Apache-2.0
#include <cli/doctor/advice.hpp>
#include <cli/doctor/diagnose.hpp>
#include <cli/hints.hpp>

namespace flotilla::cli::doctor {

std::string advice(const std::vector<net::Attachment>& attachments, net::SocketType type,
                   const SecurityFlags& security, const std::vector<std::string>& prefixes) {
    if (attachments.size() != 1 || attachments.front().how != net::Attach::connect ||
        attachments.front().endpoint.transport() == net::Transport::ws)
        return {};
    std::vector<std::string> words;
    // To join an encrypted peer as one of those would take messages from it: doctor wants leave.
    if (!takes_messages(type) || security.server_key.empty())
        words = {"--type", std::string(net::name(type))};
    if (prefixes.size() == 1 && type == net::SocketType::sub)
        words.insert(words.end(), {"--topic", prefixes.front()});
    return "; this says more: " + doctor_line(attachments.front().endpoint.text(), security) + " " +
           shell_line(words);
}

} // namespace flotilla::cli::doctor
