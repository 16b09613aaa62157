// SPDX-License-Identifier: Apache-2.0
//
// Queue properties as text: one name=value line each, the same names in the protocol, in the
// store, in flags and in TOML.
//
//     durability=relaxed           lease_ms=30000          retry_delays_ms=100,1000,10000
//     relaxed_interval_ms=50       overflow=drop-oldest    retry=exponential
//
// Durations are written as milliseconds under NAME_ms; people may also write NAME=1.5s. Sizes are
// bytes, or 64MiB. What is wrong is said with what would be right. Pure; safe from every thread.
#pragma once

#include <flotilla/base/result.hpp>
#include <flotilla/queue/model.hpp>
#include <flotilla/wire/option_text.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flotilla::queue {

using PropertyTexts = std::vector<std::pair<std::string, std::string>>; // name, value

// Every property, in the order of QueueProperties, as set_property takes them.
PropertyTexts property_texts(const QueueProperties& properties);
// The same as option text.
std::string to_option_text(const QueueProperties& properties);

// Sets one and checks its own range; `properties` is unchanged on error.
// Errors: bad_option, naming the property, and for an unknown name the nearest one.
Status set_property(QueueProperties& properties, std::string_view name, std::string_view value);

// Those that are in `options`, over what is in `properties`; other names are left to their
// readers. The result is checked. Errors: bad_option; those of the reader.
Result<QueueProperties> read_properties(const wire::OptionTextReader& options,
                                        QueueProperties properties = {});
// Those that are in `options`, unread, in the order of QueueProperties: what alter changes.
PropertyTexts property_changes(const wire::OptionTextReader& options);

// Whether each is in its range and all of them go together. Errors: bad_option.
Status check_properties(const QueueProperties& properties);
// Of a queue that is made by its name. Errors: bad_option.
Status check_dead_letters(std::string_view name, const QueueProperties& properties);
// Whether a queue in use may go from one to the other. Errors: bad_option: as check_properties, and
// durability=memory cannot be entered or left, nor order or priority_levels changed.
Status check_change(const QueueProperties& from, const QueueProperties& to);
// check_change and every one of `changes`, all or none. Errors: bad_option.
Result<QueueProperties> changed(const QueueProperties& properties, const PropertyTexts& changes);

// For completion and help.
const std::vector<std::string_view>& property_names();

// "orders.*" fits names that begin with "orders."; without a '*' only the name itself.
bool fits_pattern(std::string_view pattern, std::string_view queue_name) noexcept;

} // namespace flotilla::queue
