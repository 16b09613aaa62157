// SPDX-License-Identifier: Apache-2.0
#include <interop/support/peer.hpp>
#include <support/catch.hpp>

#include <filesystem>
#include <map>
#include <stdexcept>
#include <vector>

namespace flotilla::interop {

using test::Process;
using test::Stream;

struct PeerProgram {
    Process process;
    std::string version;
};

namespace {

const std::string peers = FLOTILLA_INTEROP_FOLDER "/peers/";
const std::string jeromq_jar = "/usr/share/java/jeromq.jar";

std::vector<std::string> command_of(Language language) {
    switch (language) {
    case Language::python:
        return {"/usr/bin/python3", "-B", peers + "peer.py"}; // the one that python3-zmq is for
    case Language::javascript:
        return {"node", peers + "peer.js"};
    case Language::java:
        break;
    }
    // Started once for many short conversations: quick to start counts more than quick to run.
    return {"java",     "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp",
            jeromq_jar, peers + "Peer.java"};
}

const char* packages_of(Language language) {
    switch (language) {
    case Language::python:
        return "the packages python3 and python3-zmq";
    case Language::javascript:
        return "the packages nodejs and npm, then run scripts/install-interop";
    case Language::java:
        break;
    }
    return "the packages default-jdk-headless and libjeromq-java";
}

} // namespace

const char* name(Language language) {
    switch (language) {
    case Language::python:
        return "pyzmq";
    case Language::javascript:
        return "zeromq.js";
    case Language::java:
        break;
    }
    return "JeroMQ";
}

namespace {

// Programs between two conversations.
std::map<Language, std::vector<std::unique_ptr<PeerProgram>>>& idle_programs() {
    static std::map<Language, std::vector<std::unique_ptr<PeerProgram>>> programs;
    return programs;
}

std::unique_ptr<PeerProgram> launch(Language language) {
    std::string reason;
    if (language == Language::java && !std::filesystem::exists(jeromq_jar))
        reason = "there is no " + jeromq_jar;
    try {
        if (reason.empty()) {
            Process process = Process::start(command_of(language));
            if (const auto version = process.wait_line(Stream::output, "libzmq "))
                return std::make_unique<PeerProgram>(PeerProgram{std::move(process), *version});
            reason = process.text(Stream::error);
        }
    } catch (const std::runtime_error& error) {
        reason = error.what();
    }
    FAIL(name(language) << " does not run here; install " << packages_of(language) << "\n"
                        << reason);
    return {};
}

} // namespace

Peer::Peer(Language language, std::unique_ptr<PeerProgram> program)
    : language_(language), version_(program->version), program_(std::move(program)) {}

Peer::Peer(Peer&&) noexcept = default;
Peer& Peer::operator=(Peer&&) noexcept = default;
Peer::~Peer() = default;

Peer Peer::start(Language language, const std::string& words) {
    auto& idle = idle_programs()[language];
    std::unique_ptr<PeerProgram> program;
    if (idle.empty()) {
        program = launch(language);
    } else {
        program = std::move(idle.back());
        idle.pop_back();
    }
    Peer peer{language, std::move(program)};
    peer.words_ = words;
    if (!peer.program_->process.write(words + "\n"))
        peer.fail("does not read its orders");
    if (words.find(" bind ") != std::string::npos) {
        const auto bound = net::Endpoint::parse(peer.said("bound "));
        REQUIRE(bound);
        peer.endpoint_ = *bound;
    }
    peer.said("ready");
    return peer;
}

void Peer::go() {
    if (!program_->process.write("go\n"))
        fail("does not read its orders");
}

bool Peer::probed(Process::Wait wait) {
    return program_->process.wait_line(Stream::output, "probed", wait).has_value();
}

std::string Peer::said(const std::string& word) {
    while (const auto line = program_->process.wait_line(Stream::output)) {
        if (line->compare(0, word.size(), word) == 0)
            return line->substr(word.size());
        if (line->compare(0, 7, "failed ") == 0)
            fail("says: " + *line);
    }
    fail("did not say '" + word + "'");
}

Tally Peer::tally(const std::string& word) {
    const std::string text = said(word);
    const auto space = text.find(' ');
    return Tally{static_cast<std::uint32_t>(std::stoul(text.substr(0, space))),
                 text.substr(space + 1)};
}

Peer::Outcome Peer::finish() {
    Outcome outcome;
    outcome.sent = tally("sent ");
    outcome.received = tally("received ");
    said("done");
    idle_programs()[language_].push_back(std::move(program_));
    return outcome;
}

void Peer::fail(const std::string& what) {
    FAIL(name(language_) << ", asked for '" << words_ << "', " << what << "\n"
                         << program_->process.text(Stream::error));
    throw std::logic_error("FAIL returned");
}

} // namespace flotilla::interop
