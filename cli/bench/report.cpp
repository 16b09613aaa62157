// SPDX-License-Identifier: Apache-2.0
#include <cli/bench/report.hpp>
#include <nlohmann/json.hpp>

#include <cstdio>

namespace flotilla::cli::bench {
namespace {

double per_second(std::uint64_t count, Duration elapsed) {
    const double seconds = std::chrono::duration<double>(elapsed).count();
    // The first message only starts the clock.
    return seconds > 0 && count > 1 ? static_cast<double>(count - 1) / seconds : 0;
}

double microseconds(Duration duration) {
    return std::chrono::duration<double, std::micro>(duration).count();
}

std::string number(double value, int decimals) {
    char text[64];
    std::snprintf(text, sizeof text, "%.*f", decimals, value);
    return text;
}

std::string rate_text(std::uint64_t count, std::uint64_t bytes, Duration elapsed) {
    const double rate = per_second(count, elapsed);
    const double each = count > 0 ? static_cast<double>(bytes) / static_cast<double>(count) : 0;
    return number(rate, 0) + " messages/s, " + number(rate * each / 1e6, 1) + " MB/s";
}

// Without a rate only one request at a time waits; a flood's latency is the length of its queues.
bool shows_latency(const Measured& measured) {
    return measured.load.rate > 0 || measured.pattern == "request";
}

} // namespace

std::string text_report(const Measured& measured) {
    const Load& load = measured.load;
    std::string text = "pattern      " + measured.pattern + " over " + measured.over +
                       "\nload         " + std::to_string(load.count) + " messages of " +
                       std::to_string(load.message_bytes) + " bytes after " +
                       std::to_string(load.warm_up) + " to warm up" +
                       (load.rate > 0 ? ", " + number(load.rate, 0) + " a second" : "") + "\n";
    if (measured.sent) {
        const std::uint64_t bytes = measured.sent->sent * load.message_bytes;
        text += "sent         " + std::to_string(measured.sent->sent) + ", " +
                rate_text(measured.sent->sent, bytes, measured.sent->elapsed) + "\n";
        if (load.rate > 0)
            text += "behind       at most " + number(microseconds(measured.sent->behind_max), 0) +
                    " us\n";
    }
    if (measured.received == nullptr)
        return text;
    const Tally& tally = *measured.received;
    text += "received     " + std::to_string(tally.received()) + ", " +
            rate_text(tally.received(), tally.bytes(), tally.elapsed()) + "\n";
    if (shows_latency(measured)) {
        const Histogram& latency = tally.latency();
        text += "latency      p50 " + number(microseconds(latency.quantile(0.5)), 1) + " us, p99 " +
                number(microseconds(latency.quantile(0.99)), 1) + " us, p99.9 " +
                number(microseconds(latency.quantile(0.999)), 1) + " us, max " +
                number(microseconds(latency.max()), 1) + " us, " +
                (measured.pattern == "request" ? "there and back" : "one way") +
                (load.rate > 0 ? ", from the intended send time" : "") + "\n";
    }
    return text + "lost         " + std::to_string(tally.lost()) + "\nduplicated   " +
           std::to_string(tally.duplicated()) + "\nout of order " +
           std::to_string(tally.out_of_order()) + "\n";
}

std::string json_report(const Measured& measured) {
    const Load& load = measured.load;
    nlohmann::ordered_json json{{"pattern", measured.pattern},
                                {"endpoint", measured.over},
                                {"message_bytes", load.message_bytes},
                                {"count", load.count},
                                {"warm_up", load.warm_up},
                                {"rate", load.rate}};
    if (measured.sent) {
        json["sent"] = measured.sent->sent;
        json["sent_per_second"] = per_second(measured.sent->sent, measured.sent->elapsed);
        json["behind_max_us"] = microseconds(measured.sent->behind_max);
    }
    if (measured.received != nullptr) {
        const Tally& tally = *measured.received;
        json["received"] = tally.received();
        json["received_per_second"] = per_second(tally.received(), tally.elapsed());
        json["lost"] = tally.lost();
        json["duplicated"] = tally.duplicated();
        json["out_of_order"] = tally.out_of_order();
        if (shows_latency(measured)) {
            const Histogram& latency = tally.latency();
            json["latency_us"] = {{"p50", microseconds(latency.quantile(0.5))},
                                  {"p99", microseconds(latency.quantile(0.99))},
                                  {"p99.9", microseconds(latency.quantile(0.999))},
                                  {"max", microseconds(latency.max())}};
        }
    }
    return json.dump() + "\n";
}

} // namespace flotilla::cli::bench
