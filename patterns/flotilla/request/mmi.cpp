// SPDX-License-Identifier: Apache-2.0
#include <flotilla/request/mmi.hpp>
#include <flotilla/wire/option_text.hpp>

#include <string>
#include <utility>

namespace flotilla::request {
namespace {

constexpr std::size_t listed_max = limits::body_frames_max - 1; // beside the status

wire::Frames list(std::string_view after, const ServiceTable& services, const MaySee& may_see) {
    wire::Frames body{"200"};
    services.list(after, listed_max, [&](const BrokerService& service) {
        if (!may_see(service.name))
            return false;
        wire::OptionTextWriter line;
        line.text("name", printable(service.name))
            .count("workers", service.workers)
            .count("waiting", service.waiting)
            .count("queued", service.queue.size)
            .count("running", service.running);
        body.add(line.view());
        return true;
    });
    return body;
}

} // namespace

bool is_mmi(std::string_view service) noexcept {
    return service.substr(0, 4) == "mmi.";
}

wire::Frames answer_mmi(std::string_view service, const wire::Frames& body,
                        const ServiceTable& services, const MaySee& may_see) {
    const ByteView asked = body.empty() ? ByteView{} : body[0].view();
    if (service == mmi_flotilla)
        return {"200"};
    if (service == "mmi.services")
        return list(asked, services, may_see);
    if (service != "mmi.service" && service != "mmi.workers")
        return {"501"};
    const Slot found = services.find(asked);
    if (found == no_slot || services[found].workers == 0 || !may_see(asked))
        return {"404"};
    if (service == "mmi.service")
        return {"200"};
    return {"200", std::to_string(services[found].workers),
            std::to_string(services[found].waiting)};
}

std::string printable(std::string_view name) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (const char c : name) {
        if (c > ' ' && c < '\x7f' && c != '%') {
            out.push_back(c);
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out.append({'%', digits[byte >> 4], digits[byte & 15]});
    }
    return out;
}

} // namespace flotilla::request
