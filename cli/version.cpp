// SPDX-License-Identifier: Apache-2.0
// `zmq version`: what this program and the libzmq under it are and can do.
#include <flotilla/net/context.hpp>

#include <cli/commands.hpp>
#include <cli/output.hpp>
#include <nlohmann/json.hpp>

#include <array>
#include <memory>
#include <string>
#include <utility>

namespace flotilla::cli {

namespace {

using Json = nlohmann::ordered_json;

// libzmq's spelling; shown in small letters.
struct Capability {
    const char* name;
    const char* shown;
};
constexpr std::array<Capability, 6> capabilities{{{"ipc", "ipc"},
                                                  {"curve", "curve"},
                                                  {"WS", "ws"},
                                                  {"WSS", "wss"},
                                                  {"gssapi", "gssapi"},
                                                  {"draft", "draft"}}};

constexpr std::array<std::pair<const char*, bool>, 4> compiled{{
#ifdef FLOTILLA_WITH_LMDB
    {"lmdb", true},
#else
    {"lmdb", false},
#endif
#ifdef FLOTILLA_WITH_ZSTD
    {"zstd", true},
#else
    {"zstd", false},
#endif
#ifdef FLOTILLA_WITH_LZ4
    {"lz4", true},
#else
    {"lz4", false},
#endif
#ifdef FLOTILLA_WITH_NCURSES
    {"ncurses", true},
#else
    {"ncurses", false},
#endif
}};

std::string transport_text() {
    const net::TransportVersion v = net::transport_version();
    return std::to_string(v.major) + "." + std::to_string(v.minor) + "." + std::to_string(v.patch);
}

std::string as_json() {
    Json json;
    json["flotilla"] = FLOTILLA_VERSION;
    json["libzmq"] = transport_text();
    for (const Capability& capability : capabilities)
        json["capabilities"][capability.shown] = net::transport_has(capability.name);
    for (const auto& [option, on] : compiled)
        json["options"][option] = on;
    return json.dump() + "\n";
}

std::string as_text() {
    std::string text = "zmq (flotilla) " FLOTILLA_VERSION "\nlibzmq " + transport_text() + "\n";
    text += "capabilities:";
    for (const Capability& capability : capabilities)
        text += std::string(net::transport_has(capability.name) ? " " : " -") + capability.shown;
    text += "\noptions:";
    for (const auto& [option, on] : compiled)
        text += std::string(on ? " " : " -") + option;
    return text + "\n";
}

} // namespace

Run declare_version(Parser& parser) {
    auto json = std::make_shared<bool>(false);
    parser.add_flag("--json", *json, "One JSON object");
    parser.set_footer("A capability or option with a minus is missing from this build.\n\n"
                      "Examples:\n"
                      "  zmq version\n"
                      "  zmq version --json | jq -r .libzmq");
    return [json](Terminal&) -> Result<ExitCode> {
        Output out;
        return out.finish(out.write(*json ? as_json() : as_text()));
    };
}

} // namespace flotilla::cli
