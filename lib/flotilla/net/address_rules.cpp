// SPDX-License-Identifier: Apache-2.0
#include <flotilla/net/address_rules.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>

namespace flotilla::net {
namespace {

constexpr unsigned mapped_bits = 96; // in front of an IPv4 address
constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned block_bits = 64;

// The bits behind the first `bits` are zero.
void clear_behind(std::array<std::uint8_t, 16>& bytes, unsigned bits) noexcept {
    for (unsigned i = 0; i < bytes.size(); ++i) {
        const unsigned kept = bits <= i * 8 ? 0 : std::min(bits - i * 8, 8U);
        bytes[i] &= static_cast<std::uint8_t>(0xff00U >> kept);
    }
}

} // namespace

std::optional<Address> Address::parse(std::string_view text) {
    const std::string copy{text.substr(0, text.find('%'))};
    Address address;
    if (::inet_pton(AF_INET6, copy.c_str(), address.bytes_.data()) == 1)
        return address;
    std::copy(mapped_prefix.begin(), mapped_prefix.end(), address.bytes_.begin());
    if (::inet_pton(AF_INET, copy.c_str(), address.bytes_.data() + mapped_prefix.size()) == 1)
        return address;
    return std::nullopt;
}

bool Address::is_ipv4() const noexcept {
    return std::equal(mapped_prefix.begin(), mapped_prefix.end(), bytes_.begin());
}

bool Address::is_loopback() const noexcept {
    if (is_ipv4())
        return bytes_[mapped_prefix.size()] == 127;
    return std::all_of(bytes_.begin(), bytes_.end() - 1, [](auto byte) { return byte == 0; }) &&
           bytes_.back() == 1;
}

Address Address::block() const noexcept {
    Address block = *this;
    if (!is_ipv4())
        clear_behind(block.bytes_, block_bits);
    return block;
}

std::string Address::text() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (is_ipv4())
        ::inet_ntop(AF_INET, bytes_.data() + mapped_prefix.size(), text.data(), text.size());
    else
        ::inet_ntop(AF_INET6, bytes_.data(), text.data(), text.size());
    return text.data();
}

std::size_t AddressHash::operator()(const Address& address) const noexcept {
    const auto& bytes = address.bytes();
    return std::hash<std::string_view>{}(
        {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

Result<AddressRange> AddressRange::parse(std::string_view text) {
    const std::size_t slash = text.find('/');
    const auto address = Address::parse(text.substr(0, slash));
    const bool has_zone = text.find('%') != std::string_view::npos;
    if (!address || has_zone)
        return fail(Errc::bad_option, "'" + std::string(text.substr(0, 64)) +
                                          "' is not an address; write 10.0.0.7, 10.0.0.0/8 or "
                                          "2001:db8::/32");
    const unsigned skipped = address->is_ipv4() ? mapped_bits : 0;
    AddressRange range;
    range.bits_ = 128;
    if (slash != std::string_view::npos) {
        const std::string_view digits = text.substr(slash + 1);
        unsigned bits = 0;
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), bits);
        if (error != std::errc{} || end != digits.data() + digits.size() || bits > 128 - skipped)
            return fail(Errc::bad_option, "'" + std::string(text) +
                                              "': behind the slash stands a number of bits, 0 to " +
                                              std::to_string(128 - skipped));
        range.bits_ = bits + skipped;
    }
    auto bytes = address->bytes();
    clear_behind(bytes, range.bits_);
    if (bytes != address->bytes())
        return fail(Errc::bad_option, "'" + std::string(text) +
                                          "' has bits behind its prefix; is one address meant, or "
                                          "the range that it is in?");
    range.first_ = *address;
    return range;
}

bool AddressRange::contains(const Address& address) const noexcept {
    auto bytes = address.bytes();
    clear_behind(bytes, bits_);
    return bytes == first_.bytes();
}

Status AddressRules::add(Effect effect, AddressRange range) {
    if (allowed_.size() + denied_.size() >= rules_max)
        return fail(Errc::too_many,
                    "at most " + std::to_string(rules_max) + " addresses and ranges");
    (effect == Effect::allow ? allowed_ : denied_).push_back(range);
    return {};
}

bool AddressRules::allows(const Address& address) const noexcept {
    const auto has = [&](const AddressRange& range) { return range.contains(address); };
    return std::none_of(denied_.begin(), denied_.end(), has) &&
           (allowed_.empty() || std::any_of(allowed_.begin(), allowed_.end(), has));
}

bool AddressRules::allows(std::string_view address) const {
    if (address.empty() || empty())
        return true;
    const auto parsed = Address::parse(address);
    return parsed && allows(*parsed);
}

} // namespace flotilla::net
