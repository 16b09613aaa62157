// SPDX-License-Identifier: Apache-2.0
#include <cli/doctor/greeting.hpp>

#include <algorithm>
#include <array>
#include <cctype>

namespace flotilla::cli::doctor {
namespace {

constexpr std::size_t signature_bytes = 10;
constexpr std::size_t mechanism_at = 12;
constexpr std::size_t mechanism_bytes = 20;
constexpr std::size_t as_server_at = 32;

struct Mark {
    ByteView start;
    const char* name;
};

// Openings that servers send unasked, or in answer to bytes they do not understand.
constexpr std::array<Mark, 17> marks{{
    {"HTTP/", "an HTTP server"},
    {"<html", "an HTTP server"},
    {"<!DOC", "an HTTP server"},
    {"SSH-", "an SSH server"},
    {"\x15\x03", "a TLS server"},
    {"\x16\x03", "a TLS server"},
    {"AMQP", "an AMQP broker (RabbitMQ or its like)"},
    {"INFO {", "a NATS server"},
    {"-ERR", "a Redis server"},
    {"-DENIED", "a Redis server"},
    {"ERROR\r\n", "a memcached server"},
    {"+OK", "a POP3 server"},
    {"* OK", "an IMAP server"},
    {"RFB ", "a VNC server"},
    {"UNKNOWN_COMMAND", "a beanstalkd server"},
    {"BAD_FORMAT", "a beanstalkd server"},
    {ByteView("\0SP\0", 4), "an nng or nanomsg peer"},
}};

bool is_zmtp1(ByteView bytes) {
    // A frame of one length byte, flags 0 and an identity of up to 253 bytes.
    return bytes.size() >= 2 && bytes[0] != '\0' && bytes[1] == '\0' &&
           static_cast<unsigned char>(bytes[0]) < 0xFF &&
           bytes.size() == 1 + std::size_t{static_cast<unsigned char>(bytes[0])};
}

// MySQL and MariaDB: u24 length, packet number 0, protocol 10, then the version as text.
bool is_mysql(ByteView bytes) {
    return bytes.size() > 6 && bytes[2] == '\0' && bytes[3] == '\0' && bytes[4] == '\x0a' &&
           std::isdigit(static_cast<unsigned char>(bytes[5])) != 0;
}

// SMTP and FTP both greet with a three-digit 220.
std::optional<std::string> mail_or_file_server(ByteView bytes) {
    if (bytes.substr(0, 3) != "220" || bytes.size() < 4 || (bytes[3] != ' ' && bytes[3] != '-'))
        return std::nullopt;
    if (bytes.find("FTP") != ByteView::npos)
        return "an FTP server";
    if (bytes.find("SMTP") != ByteView::npos)
        return "a mail server (SMTP)";
    return "a mail or FTP server";
}

// By the numbers of 15/ZMTP.
constexpr std::array<const char*, 11> types_of_version2{
    {"PAIR", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PULL", "PUSH", "XPUB", "XSUB"}};

Greeting version2(ByteView bytes) {
    Greeting greeting{2, 0, "", false, {}};
    if (bytes.size() <= 11)
        return greeting;
    if (const std::size_t type = static_cast<unsigned char>(bytes[11]);
        type < types_of_version2.size())
        greeting.socket_type = types_of_version2[type];
    return greeting;
}

Greeting version3(ByteView bytes) {
    Greeting greeting;
    greeting.major = static_cast<std::uint8_t>(bytes[10]);
    greeting.minor = static_cast<std::uint8_t>(bytes[11]);
    const ByteView field = bytes.substr(mechanism_at, mechanism_bytes);
    greeting.mechanism = std::string(field.substr(0, field.find('\0')));
    greeting.as_server = bytes[as_server_at] != '\0';
    return greeting;
}

} // namespace

std::string encode(const Greeting& greeting) {
    std::string bytes(greeting_bytes, '\0');
    bytes[0] = '\xFF';
    bytes[9] = '\x7F';
    bytes[10] = static_cast<char>(greeting.major);
    bytes[11] = static_cast<char>(greeting.minor);
    const std::size_t size = std::min(greeting.mechanism.size(), mechanism_bytes);
    bytes.replace(mechanism_at, size, greeting.mechanism, 0, size);
    bytes[as_server_at] = greeting.as_server ? '\x01' : '\0';
    return bytes;
}

GreetingOutcome judge_greeting(ByteView bytes) {
    if (bytes.empty())
        return MoreBytes{};
    if (bytes[0] != '\xFF') {
        if (auto name = name_protocol(bytes))
            return Stranger{std::move(name)};
        if (is_zmtp1(bytes))
            return Greeting{1, 0, "", false, {}};
        return bytes.size() < greeting_bytes ? GreetingOutcome{MoreBytes{}}
                                             : GreetingOutcome{Stranger{}};
    }
    if (bytes.size() < signature_bytes)
        return MoreBytes{};
    // The lowest bit of the tenth byte tells the signature from a long frame of ZMTP 1.
    if ((bytes[9] & 1) == 0)
        return Stranger{};
    if (bytes.size() <= signature_bytes)
        return MoreBytes{};
    const auto major = static_cast<std::uint8_t>(bytes[10]);
    if (major == 0)
        return Greeting{1, 0, "", false, {}};
    if (major < 3)
        return version2(bytes);
    if (bytes.size() < greeting_bytes)
        return MoreBytes{};
    return version3(bytes);
}

std::optional<std::string> name_protocol(ByteView bytes) {
    for (const Mark& mark : marks)
        if (bytes.substr(0, mark.start.size()) == mark.start)
            return mark.name;
    if (auto name = mail_or_file_server(bytes))
        return name;
    if (is_mysql(bytes))
        return "a MySQL or MariaDB server";
    return std::nullopt;
}

std::string excerpt(ByteView bytes) {
    constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (const char c : bytes.substr(0, 40)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte < 0x7F && c != '\\') {
            text += c;
        } else {
            text += "\\x";
            text += digits[byte >> 4];
            text += digits[byte & 15];
        }
    }
    return bytes.size() > 40 ? text + "..." : text;
}

} // namespace flotilla::cli::doctor
