// SPDX-License-Identifier: Apache-2.0
#include "admin/http_routes.hpp"

#include "admin/console/files.hpp"
#include "admin/exposition.hpp"

#include <string_view>
#include <utility>

namespace flotilla::admin {
namespace {

HttpAnswer json(Answer&& answer) {
    HttpAnswer http{answer.code, "application/json", std::move(answer.json), {}};
    if (answer.code == 401)
        http.headers.emplace_back("WWW-Authenticate", "Bearer");
    return http;
}

HttpAnswer nowhere() {
    return json({404, error_json("not_found", "there is no such page")});
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
    if (!text.starts_with(prefix))
        return false;
    text.remove_prefix(prefix.size());
    return true;
}

bool take_suffix(std::string_view& text, std::string_view suffix) {
    if (!text.ends_with(suffix))
        return false;
    text.remove_suffix(suffix.size());
    return true;
}

// "queues/" is the kind "queue".
std::string_view take_kind(std::string_view& path) {
    const std::size_t slash = path.find('/');
    if (slash == std::string_view::npos || slash < 2 || path[slash - 1] != 's')
        return {};
    const std::string_view kind = path.substr(0, slash - 1);
    path.remove_prefix(slash + 1);
    return kind;
}

// What follows GET /api/queues/. A name may have slashes, so it is what the known ends leave.
bool read_messages(std::string_view rest, Request& to) {
    to.verb = "browse";
    if (!take_suffix(rest, "/messages")) {
        const std::size_t slash = rest.rfind("/messages/");
        if (slash == std::string_view::npos)
            return false;
        to.verb = "message";
        to.arguments.insert_or_assign("id", std::string(rest.substr(slash + 10)));
        rest = rest.substr(0, slash);
    }
    to.arguments.insert_or_assign("queue", std::string(rest));
    return !rest.empty();
}

bool read_get(std::string_view path, Request& to) {
    if (path == "status" || path == "audit") {
        to.verb = path;
        return true;
    }
    return take_prefix(path, "queues/") && read_messages(path, to);
}

// POST /api/drain, /api/queues/NAME/purge.
bool read_post(std::string_view path, Request& to) {
    if (const std::string_view kind = take_kind(path); !kind.empty()) {
        const std::size_t slash = path.rfind('/');
        if (slash == std::string_view::npos || slash == 0)
            return false;
        to.arguments.insert_or_assign(std::string(kind), std::string(path.substr(0, slash)));
        path.remove_prefix(slash + 1);
    }
    to.verb = path;
    return !path.empty() && path.find('/') == std::string_view::npos;
}

Request started(const HttpRequest& request) {
    Request to;
    to.token = request.token;
    to.address = request.peer;
    return to;
}

HttpAnswer metrics(Office& office, const HttpRequest& request, std::string_view kinds) {
    Request asked = started(request);
    asked.verb = "metrics";
    asked.arguments = {request.query.begin(), request.query.end()};
    asked.arguments.erase("kind");
    if (!kinds.empty()) {
        if (!take_suffix(kinds, "s"))
            return nowhere();
        asked.arguments.emplace("kind", kinds);
    }
    Office::Text page = office.metrics(asked);
    if (page.code != 200)
        return json({page.code, std::move(page.text)});
    return {200, std::string(exposition_type), std::move(page.text), {}};
}

HttpAnswer console(const HttpRequest& request) {
    const ConsoleFile* file = console_file(request.path);
    if (file == nullptr)
        return nowhere();
    HttpAnswer answer{200, std::string(file->type), std::string(file->body), {}};
    if (request.if_none_match == file->tag) {
        answer.code = 304;
        answer.body.clear();
    }
    answer.headers.emplace_back("ETag", file->tag);
    for (const ConsoleHeader& each : console_headers)
        answer.headers.emplace_back(each.name, each.value);
    return answer;
}

HttpAnswer api(Office& office, const HttpRequest& request) {
    auto asked = api_request(request);
    if (!asked)
        return nowhere();
    if (!*asked)
        return json({400, error_json(name(asked->error().code), asked->error().detail)});
    return json(office.answer(**asked));
}

HttpAnswer route(Office& office, const HttpRequest& request) {
    std::string_view path = request.path;
    if (take_prefix(path, "/api/"))
        return api(office, request);
    if (request.method != "GET")
        return nowhere();
    if (path == "/healthz")
        return json(office.liveness());
    if (path == "/readyz") {
        Request asked = started(request);
        asked.verb = "health";
        return json(office.answer(asked));
    }
    if (path == "/" || path == "/console")
        return {302, "text/plain", "", {{"Location", "/console/"}}};
    if (path.starts_with("/console/"))
        return console(request);
    if (path == "/metrics")
        return metrics(office, request, {});
    if (take_prefix(path, "/metrics/"))
        return metrics(office, request, path);
    return nowhere();
}

} // namespace

std::optional<Result<Request>> api_request(const HttpRequest& request) {
    std::string_view path = request.path;
    Request to = started(request);
    const bool gets = request.method == "GET";
    if (gets)
        to.arguments = {request.query.begin(), request.query.end()};
    else if (auto arguments = parse_arguments(request.body))
        to.arguments = std::move(*arguments);
    else
        return Result<Request>(fail(arguments.error()));
    if (!take_prefix(path, "/api/") || !(gets ? read_get(path, to) : read_post(path, to)))
        return std::nullopt;
    return Result<Request>(std::move(to));
}

HttpAnswer answer(Office& office, const HttpRequest& request) {
    HttpAnswer http = route(office, request);
    if (request.path.starts_with("/console/") && http.code != 404)
        return http; // the console has headers of its own
    http.headers.emplace_back("X-Content-Type-Options", "nosniff");
    http.headers.emplace_back("Cache-Control", "no-store");
    return http;
}

} // namespace flotilla::admin
