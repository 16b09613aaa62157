// SPDX-License-Identifier: Apache-2.0
#include <flotilla/base/units.hpp>
#include <flotilla/wire/foreign.hpp>

#include <cli/doctor/report.hpp>
#include <nlohmann/json.hpp>

namespace flotilla::cli::doctor {
namespace {

using nlohmann::ordered_json;

std::string_view name(Reached reached) {
    switch (reached) {
    case Reached::connected:
        return "connected";
    case Reached::refused:
        return "refused";
    case Reached::no_socket_file:
        return "no socket file";
    case Reached::not_a_socket:
        return "not a socket";
    case Reached::no_permission:
        return "no permission";
    case Reached::unresolved:
        return "host unknown";
    case Reached::unreachable:
        return "unreachable";
    case Reached::timed_out:
        return "no answer";
    case Reached::failed:
        return "failed";
    }
    return "failed";
}

std::string_view name(Answer::Kind kind) {
    switch (kind) {
    case Answer::Kind::none:
        return "none";
    case Answer::Kind::silent:
        return "silent";
    case Answer::Kind::closed:
        return "closed";
    case Answer::Kind::stranger:
        return "not ZeroMQ";
    case Answer::Kind::stalled:
        return "stalled greeting";
    case Answer::Kind::greeting:
        return "greeting";
    }
    return "none";
}

std::string_view name(CurveWalk::End end) {
    switch (end) {
    case CurveWalk::End::not_walked:
        return "not tried";
    case CurveWalk::End::succeeded:
        return "ok";
    case CurveWalk::End::closed_after_hello:
        return "closed after our HELLO";
    case CurveWalk::End::closed_after_initiate:
        return "closed after our INITIATE";
    case CurveWalk::End::denied:
        return "denied";
    case CurveWalk::End::peer_is_client:
        return "a client greets us";
    case CurveWalk::End::unanswered:
        return "unanswered";
    }
    return "not tried";
}

std::string greeting_text(const Greeting& greeting) {
    std::string text =
        "ZMTP " + std::to_string(greeting.major) + "." + std::to_string(greeting.minor);
    if (!greeting.mechanism.empty())
        text += ", mechanism " + excerpt(greeting.mechanism);
    return text;
}

std::string answer_text(const Answer& answer) {
    if (answer.kind == Answer::Kind::greeting)
        return greeting_text(answer.greeting);
    std::string text(name(answer.kind));
    if (!answer.protocol.empty())
        text += ": " + answer.protocol;
    if (!answer.excerpt.empty())
        text += ": \"" + answer.excerpt + "\"";
    return text;
}

class Lines {
public:
    void add(std::string_view label, std::string_view text) {
        constexpr std::size_t column = 12;
        out_ += label;
        out_.append(column - std::min(column - 1, label.size()), ' ');
        out_ += text;
        out_ += '\n';
    }
    std::string take() { return std::move(out_); }

private:
    std::string out_;
};

void add_heard(Lines& lines, const Facts& facts) {
    const Heard& heard = facts.heard;
    if (!heard.listened)
        return;
    if (heard.failure)
        lines.add("failure", *heard.failure);
    for (const std::string& topic : heard.subscriptions)
        lines.add("subscribes", topic.empty() ? "\"\" (everything)" : "\"" + excerpt(topic) + "\"");
    if (heard.messages > 0)
        lines.add("messages", std::to_string(heard.messages) + " within " +
                                  format_duration(facts.visit.listened) + ", " +
                                  std::to_string(heard.bytes) + " bytes");
    if (heard.heartbeats > 0)
        lines.add("heartbeats", std::to_string(heard.heartbeats) + " of a Flotilla publisher");
    for (const Topic& topic : heard.topics)
        lines.add("topic", "\"" + excerpt(topic.name) + "\"  " + std::to_string(topic.messages));
    if (heard.more_topics)
        lines.add("", "and more topics");
}

ordered_json attempts_json(const Facts& facts) {
    ordered_json all = ordered_json::array();
    for (const Attempt& each : facts.attempts) {
        ordered_json one{{"address", each.address}, {"outcome", name(each.outcome)}};
        if (!each.detail.empty())
            one["detail"] = each.detail;
        all.push_back(std::move(one));
    }
    return all;
}

ordered_json answer_json(const Answer& answer) {
    ordered_json json{{"kind", name(answer.kind)}};
    if (answer.kind == Answer::Kind::greeting) {
        json["zmtp"] =
            std::to_string(answer.greeting.major) + "." + std::to_string(answer.greeting.minor);
        json["mechanism"] = excerpt(answer.greeting.mechanism);
    }
    if (!answer.protocol.empty())
        json["protocol"] = answer.protocol;
    if (!answer.excerpt.empty())
        json["excerpt"] = answer.excerpt;
    return json;
}

ordered_json heard_json(const Heard& heard) {
    ordered_json json{{"handshake", heard.handshake},
                      {"messages", heard.messages},
                      {"bytes", heard.bytes},
                      {"heartbeats", heard.heartbeats},
                      {"topics", ordered_json::array()},
                      {"subscriptions", ordered_json::array()}};
    for (const Topic& topic : heard.topics)
        json["topics"].push_back({{"topic", excerpt(topic.name)}, {"messages", topic.messages}});
    for (const std::string& topic : heard.subscriptions)
        json["subscriptions"].push_back(excerpt(topic));
    if (heard.failure)
        json["failure"] = *heard.failure;
    return json;
}

std::string told_text(const Told& told) {
    if (!told.trouble.empty())
        return told.trouble;
    std::string text = told.state;
    for (const std::string& each : told.not_ready)
        text += ", " + each;
    for (const std::string& each : told.warnings)
        text += ", " + each;
    for (const std::string& each : told.refusals)
        text += ", counted " + each;
    return text;
}

ordered_json told_json(const Told& told) {
    if (!told.trouble.empty())
        return {{"trouble", told.trouble}};
    ordered_json turned_away = ordered_json::object();
    for (const auto& [reason, count] : told.turned_away)
        turned_away[std::string(net::name(reason))] = count;
    return {{"state", told.state},
            {"not_ready", told.not_ready},
            {"warnings", told.warnings},
            {"refusals", told.refusals},
            {"turned_away", std::move(turned_away)},
            {"endless_messages", told.endless_messages}};
}

} // namespace

std::string text_report(const Facts& facts, const Verdict& verdict) {
    Lines lines;
    lines.add("endpoint", facts.visit.endpoint);
    for (const Attempt& each : facts.attempts)
        lines.add("connect", each.address + " " + std::string(name(each.outcome)) +
                                 (each.detail.empty() ? "" : ": " + each.detail));
    if (facts.answer.kind != Answer::Kind::none)
        lines.add("answer", answer_text(facts.answer));
    if (facts.introduction.socket_type)
        lines.add("peer",
                  excerpt(*facts.introduction.socket_type) +
                      (facts.introduction.identity.empty()
                           ? ""
                           : ", identity \"" + excerpt(facts.introduction.identity) + "\""));
    if (facts.curve.end != CurveWalk::End::not_walked)
        lines.add("handshake",
                  std::string(name(facts.curve.end)) +
                      (facts.curve.status.empty() ? "" : " " + excerpt(facts.curve.status)) +
                      (facts.curve.tried.empty() ? "" : ", as " + shown(facts.curve.tried.back())));
    add_heard(lines, facts);
    if (facts.told.asked)
        lines.add("daemon", told_text(facts.told));
    for (const std::string& note : verdict.notes)
        lines.add("note", note);
    lines.add("verdict", std::string(doctor::name(verdict.finding)) + ": " + verdict.summary);
    if (!verdict.next.empty())
        lines.add("next", verdict.next);
    return lines.take();
}

std::string json_report(const Facts& facts, const Verdict& verdict) {
    ordered_json json{{"endpoint", facts.visit.endpoint},
                      {"verdict", doctor::name(verdict.finding)},
                      {"exit", static_cast<int>(exit_code(verdict.finding))},
                      {"summary", verdict.summary},
                      {"next", verdict.next},
                      {"connect", attempts_json(facts)}};
    if (facts.answer.kind != Answer::Kind::none)
        json["answer"] = answer_json(facts.answer);
    if (facts.introduction.socket_type)
        json["peer"] = {{"type", excerpt(*facts.introduction.socket_type)},
                        {"identity", excerpt(facts.introduction.identity)},
                        {"daemon", wire::daemon_of(facts.introduction.identity)}};
    if (facts.introduction.error)
        json["error"] = excerpt(*facts.introduction.error);
    if (facts.curve.end != CurveWalk::End::not_walked) {
        json["curve"] = {{"outcome", name(facts.curve.end)}};
        if (!facts.curve.status.empty())
            json["curve"]["status"] = excerpt(facts.curve.status);
        if (facts.curve.joined_as)
            json["curve"]["as"] = shown(*facts.curve.joined_as);
    }
    if (facts.heard.listened)
        json["heard"] = heard_json(facts.heard);
    if (facts.told.asked)
        json["daemon"] = told_json(facts.told);
    if (!verdict.notes.empty())
        json["notes"] = verdict.notes;
    return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

} // namespace flotilla::cli::doctor
