// SPDX-License-Identifier: Apache-2.0
#include <cli/commands.hpp>
#include <cli/manual.hpp>
#include <cli/output.hpp>

#include <set>
#include <string_view>
#include <vector>

namespace flotilla::cli {

namespace {

// Text for troff: its own characters are escaped, and no line begins with a dot or a quote.
std::string plain(std::string_view text) {
    std::string out;
    bool line_begins = true;
    for (const char c : text) {
        if (line_begins && (c == '.' || c == '\''))
            out += "\\&";
        if (c == '\\')
            out += "\\e";
        else if (c == '-')
            out += "\\-";
        else
            out += c;
        line_begins = c == '\n';
    }
    return out;
}

std::string option_row(Option option) {
    std::string names;
    for (const std::string& name : option.short_names())
        names += (names.empty() ? "" : ", ") + ("\\fB\\-" + plain(name) + "\\fR");
    for (const std::string& name : option.long_names())
        names += (names.empty() ? "" : ", ") + ("\\fB\\-\\-" + plain(name) + "\\fR");
    if (option.is_positional())
        names = "\\fI" + plain(option.name()) + "\\fR";
    else if (!option.type_name().empty())
        names += " \\fI" + plain(option.type_name()) + "\\fR";
    return ".TP\n" + names + "\n" + plain(option.description()) + "\n";
}

bool is_common(Option option) {
    static const std::set<std::string> groups{"Broker",   "Input",      "Output", "Socket",
                                              "Security", "Connection", "General"};
    return !option.is_positional() && groups.count(option.group()) > 0;
}

// Options that many verbs share are told once, in the order of their groups.
std::string common_options(const Parser& root) {
    std::string out;
    for (const char* group :
         {"Connection", "Broker", "Input", "Output", "Socket", "Security", "General"}) {
        std::set<std::string> told;
        out += std::string(".SS ") + group + "\n";
        for (const auto& verb : root.subcommands())
            for (const Option option : verb->options())
                if (is_common(option) && option.group() == group &&
                    told.insert(option.name()).second)
                    out += option_row(option);
    }
    return out;
}

std::string verb_section(const Parser& verb, const std::string& path) {
    std::string out = ".SS " + plain(path) + "\n" + plain(verb.description()) + ".\n";
    for (const Option option : verb.options())
        if (!is_common(option) && !option.description().empty())
            out += option_row(option);
    const std::string footer = verb.footer();
    if (!footer.empty())
        out += ".PP\n.nf\n" + plain(footer) + "\n.fi\n";
    for (const auto& sub : verb.subcommands())
        out += verb_section(*sub, path + " " + sub->name());
    return out;
}

constexpr const char* head = R"(.\" SPDX-License-Identifier: Apache-2.0
.\" Made by: zmq manual > docs/man/zmq.1
.TH ZMQ 1 "" "Flotilla" "Flotilla manual"
.SH NAME
zmq \- send, receive and look at messages on ZeroMQ sockets
.SH SYNOPSIS
.B zmq
.I VERB
.RI [ ARGUMENTS ]
.RI [ OPTIONS ]
.SH DESCRIPTION
Each verb opens sockets, moves messages between them and standard input and output, and ends with a
status that says what happened. Data goes to standard output and nothing else does. Times need a
unit (250ms, 10s), sizes too (64MiB).
.PP
An endpoint connects, unless its host is a wildcard, its port is * or it begins with @;
\-\-bind and \-\-connect hold for all endpoints after them. Beyond this machine a socket needs CURVE
keys, or \-\-allow\-plaintext.
)";

constexpr const char* tail = R"(.SH JSON LINES
.nf
{"ts":"2026\-01\-31T12:00:00.000000000Z","type":"sub","endpoint":"tcp://127.0.0.1:5555",
 "frames":["topic","body"],"enc":"utf8","meta":{}}
.fi
.PP
One message a line, printed by \-\-format json and read by \-\-json. "enc" is "base64" when a frame
is not UTF\-8. Input needs only "frames".
.SH EXIT STATUS
.TP
0
Done.
.TP
1
Failed: an endpoint in use, a file that cannot be read, bad input.
.TP
2
Wrong usage.
.TP
3
A timeout, or nothing received.
.TP
4
Refused: by the peer's allow\-list, or a negative answer.
.TP
5
Accepted, but not everything left before the deadline.
.TP
130, 143
Ended by SIGINT or SIGTERM.
.SH SEE ALSO
.BR flotilla\-relay (1),
.BR flotilla\-broker (1),
.BR zmq_socket (3)
)";

} // namespace

std::string manual_page(const Parser& root) {
    std::string out = head;
    out += ".SH VERBS\n";
    for (const auto& verb : root.subcommands())
        if (!verb->group().empty())
            out += verb_section(*verb, "zmq " + verb->name());
    out += ".SH COMMON OPTIONS\nEach verb's \\fB\\-\\-help\\fR says which of these it takes.\n";
    return out + common_options(root) + tail;
}

Run declare_manual(Parser& parser) {
    return [&parser](Terminal&) -> Result<ExitCode> {
        Output out;
        return out.finish(out.write(manual_page(root_of(parser))));
    };
}

} // namespace flotilla::cli
