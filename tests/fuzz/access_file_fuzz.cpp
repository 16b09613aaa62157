// SPDX-License-Identifier: Apache-2.0
// Any text is an access file or is refused with its place; what was read can be asked.
#include <flotilla/base/check.hpp>
#include <flotilla/net/access_file.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace flotilla;
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    auto file = net::parse_access_file(text, "access.toml");
    if (!file) {
        FLOTILLA_CHECK(file.error().code == Errc::bad_setting &&
                           file.error().detail.find("access.toml:") == 0,
                       "an error without its place");
        return 0;
    }
    (void)file->addresses.allows("10.1.2.3");
    std::map<std::string, User, std::less<>> users;
    for (const auto& plain : file->plain)
        users.emplace("plain:" + plain.user.name, plain.user);
    const bool has_rules = !file->rules.empty();
    const auto permissions =
        Permissions::make(users, Permissions::Unlisted::nobody, std::move(file->rules));
    FLOTILLA_CHECK(permissions, "a file that was read makes permissions");
    for (const auto& [credential, user] : users) {
        for (std::size_t i = 0; i < operations_count; ++i) {
            const auto operation = Operation(i);
            // Who may subscribe to everything may subscribe to each part of it.
            if (operation == Operation::subscribe && permissions->allows(credential, operation, ""))
                FLOTILLA_CHECK(permissions->allows(credential, operation, "orders.eu"),
                               "a part is more than the whole");
            (void)permissions->explain(credential, operation, text.substr(0, 64));
        }
    }
    FLOTILLA_CHECK(!permissions->allows("revoked", Operation::put, "orders"), "nobody may");
    FLOTILLA_CHECK(permissions->allows("", Operation::put, "orders") || has_rules,
                   "without rules everybody may");
    return 0;
}
