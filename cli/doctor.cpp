// SPDX-License-Identifier: Apache-2.0
#include <cli/admin/flags.hpp>
#include <cli/commands.hpp>
#include <cli/doctor/report.hpp>
#include <cli/doctor/told.hpp>
#include <cli/doctor/visit.hpp>
#include <cli/options.hpp>
#include <cli/output.hpp>

#include <algorithm>
#include <memory>
#include <optional>

namespace flotilla::cli {
namespace {

struct DoctorFlags {
    std::string endpoint;
    std::string type;
    std::optional<std::string> topic;
    Duration timeout = 5s;
    Duration listen = 3s;
    bool take = false;
    bool json = false;
    std::string admin; // where the daemon can be asked
    std::string admin_curve_key;
    std::string admin_server_key;
    SecurityFlags security;
};

Result<net::Endpoint> endpoint_to_visit(const std::string& text) {
    auto attachment = net::parse_attachment(text, net::AttachRule::connect);
    if (!attachment)
        return fail(attachment.error());
    if (attachment->how == net::Attach::bind)
        return fail(Errc::bad_option, "doctor goes to an endpoint that somebody else binds; to see "
                                      "who comes to one of ours, bind it with zmq monitor TYPE " +
                                          text);
    const net::Endpoint& endpoint = attachment->endpoint;
    if (endpoint.transport() == net::Transport::inproc)
        return fail(Errc::bad_endpoint, "inproc:// lies within one process, and cannot be looked "
                                        "at from another");
    if (endpoint.transport() == net::Transport::ws)
        return fail(Errc::unsupported, "doctor looks at tcp:// and ipc:// only");
    return endpoint;
}

Result<doctor::VisitOptions> visit_options(const DoctorFlags& flags) {
    auto endpoint = endpoint_to_visit(flags.endpoint);
    if (!endpoint)
        return fail(endpoint.error());
    doctor::VisitOptions options{*endpoint};
    auto security = make_security(flags.security);
    if (!security)
        return fail(security.error());
    if (const auto* curve = std::get_if<net::CurveClient>(&*security))
        options.curve = *curve;
    if (!flags.type.empty())
        options.type = net::socket_type_named(flags.type);
    const auto type = options.type.value_or(net::SocketType::sub);
    if (options.curve && doctor::takes_messages(type) && !flags.take)
        return fail(Errc::bad_option,
                    "an encrypted peer shows whether it takes a " + flags.type +
                        " only when one joins, and it may give it messages meant for others: add "
                        "--take if that is no harm");
    options.topic = flags.topic;
    options.timeout = flags.timeout;
    options.listen = flags.listen;
    options.may_take = flags.take;
    return options;
}

// The daemon behind the endpoint, where --admin names it.
class DaemonToAsk {
public:
    static Result<DaemonToAsk> open(const DoctorFlags& flags) {
        DaemonToAsk daemon;
        if (flags.admin.empty())
            return daemon;
        AdminFlags admin;
        admin.endpoints = {flags.admin};
        admin.security = flags.security; // its admin endpoint has the security of the other one
        if (!flags.admin_curve_key.empty())
            admin.security.curve_key = flags.admin_curve_key;
        if (!flags.admin_server_key.empty())
            admin.security.server_key = flags.admin_server_key;
        auto session = open_session(admin);
        if (!session)
            return fail(session.error());
        daemon.session_ = std::move(*session);
        daemon.wait_ = flags.timeout;
        return daemon;
    }
    // Nothing when no daemon was named.
    std::optional<Result<DaemonView>> look() {
        if (!session_)
            return std::nullopt;
        auto answer = ask_one(session_->links, "status", R"({"rows":0})", wait_);
        return answer ? read_status(*answer) : Result<DaemonView>{fail(answer.error())};
    }

private:
    std::optional<AdminSession> session_{};
    Duration wait_{0};
};

// Goes there, and asks the daemon before and after.
Result<doctor::Facts> look(const doctor::VisitOptions& options, DaemonToAsk& daemon) {
    const auto before = daemon.look();
    auto facts = doctor::visit(options);
    if (facts && before)
        facts->told = doctor::told(*before, *daemon.look());
    return facts;
}

Result<ExitCode> run_doctor(const DoctorFlags& flags) {
    auto options = visit_options(flags);
    if (!options)
        return fail(options.error());
    auto daemon = DaemonToAsk::open(flags);
    if (!daemon)
        return fail(daemon.error());
    auto facts = look(*options, *daemon);
    // Was it the topic that was refused, or only everything, which doctor asks for too?
    if (facts && options->topic && facts->heard.messages == 0 &&
        facts->told.counted(doctor::subscribe_not_allowed)) {
        options->subscribes = doctor::Subscribes::topic_only;
        facts = look(*options, *daemon);
    }
    if (!facts)
        return fail(facts.error());
    const doctor::Verdict verdict = doctor::diagnose(*facts);
    Output output;
    return output.finish(output.write(flags.json ? doctor::json_report(*facts, verdict)
                                                 : doctor::text_report(*facts, verdict)),
                         doctor::exit_code(verdict.finding));
}

} // namespace

Run declare_doctor(Parser& parser) {
    auto flags = std::make_shared<DoctorFlags>();
    parser.add_option("ENDPOINT", flags->endpoint, "Where your program connects: tcp:// or ipc://")
        .required();
    add_choice(
        parser, "--type", flags->type,
        {"pub", "sub", "push", "pull", "req", "rep", "dealer", "router", "xpub", "xsub", "pair"},
        "What your program's socket is; says whether it fits the peer");
    parser
        .add_option("--topic", flags->topic,
                    "What your program subscribes to; says whether that arrives")
        .type_name("PREFIX");
    add_duration(parser, "-t,--timeout", flags->timeout,
                 "Longest look at the connection and the handshake [5s]");
    add_duration(parser, "--listen", flags->listen, "How long to listen for messages [3s]");
    parser.add_flag("--take", flags->take,
                    "Join a PUSH as a worker too, and take messages from it, which are then lost");
    parser.add_flag("--json", flags->json, "The report as one JSON object");
    parser
        .add_option("--admin", flags->admin,
                    "The daemon's admin endpoint, which is asked why it sends us away")
        .type_name("ENDPOINT");
    parser
        .add_option("--admin-curve-key", flags->admin_curve_key,
                    "Our secret certificate for --admin, when --curve-key is the one in doubt")
        .type_name("FILE")
        .group("Security");
    parser
        .add_option("--admin-server-key", flags->admin_server_key,
                    "The daemon's public key for --admin, when --server-key is the one in doubt")
        .type_name("KEY|FILE")
        .group("Security");
    parser
        .add_option("--server-key", flags->security.server_key,
                    "The public key of an encrypted peer: the key itself or its certificate")
        .type_name("KEY|FILE")
        .group("Security");
    parser
        .add_option("--curve-key", flags->security.curve_key,
                    "Our own secret certificate; without it a new key is tried")
        .type_name("FILE")
        .group("Security");
    parser.set_footer(
        "Says why nothing arrives: nobody there, not ZeroMQ, wrong mechanism, key, socket\n"
        "type or topic; and what to do. Sends nothing, and takes nothing unless --take.\n"
        "Exit status: 0 healthy; 3 nobody there, or nothing arrives; 4 refused; 1 not "
        "ZeroMQ.\n\n"
        "Examples:\n"
        "  zmq doctor tcp://127.0.0.1:5555\n"
        "  zmq doctor tcp://host:5555 --type sub --topic weather.\n"
        "  zmq doctor tcp://host:5555 --server-key server.pub --curve-key me_secret\n"
        "  zmq doctor tcp://127.0.0.1:5560 --admin ipc:///run/flotilla-store/admin");
    return [flags](Terminal&) { return run_doctor(*flags); };
}

} // namespace flotilla::cli
