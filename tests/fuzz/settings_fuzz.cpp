// SPDX-License-Identifier: Apache-2.0
// Any text is read as settings or refused with a place; so are the quantities in it.
#include <flotilla/base/check.hpp>
#include <flotilla/base/settings.hpp>
#include <flotilla/base/units.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace flotilla;
    const std::string text{reinterpret_cast<const char*>(data), size};
    if (const auto duration = parse_duration(text))
        FLOTILLA_CHECK(parse_duration(format_duration(*duration)).value() == *duration,
                       "a duration changed in its text");
    if (const auto bytes = parse_bytes(text))
        FLOTILLA_CHECK(parse_bytes(format_bytes(*bytes)).value() == *bytes,
                       "a size changed in its text");

    auto settings = Settings::parse(text, "file");
    if (!settings) {
        FLOTILLA_CHECK(settings.error().detail.rfind("file:", 0) == 0, "an error without a place");
        return 0;
    }
    auto root = settings->root();
    (void)root.text("name");
    (void)root.duration("drain");
    (void)root.count("count", 1, 10);
    (void)root.texts("frontend");
    for (auto& relay : root.tables("relay")) {
        (void)relay.choice("mode", {"queue", "streamer"});
        (void)relay.bytes("size");
        (void)relay.flag("on");
    }
    (void)settings->finish();
    return 0;
}
