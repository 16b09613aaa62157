// SPDX-License-Identifier: Apache-2.0
//
// Result<T>: a value, or the Error that stood in its way. Status: success, or an Error.
//
// Both are [[nodiscard]] as types: a dropped outcome does not compile without a warning.
#pragma once

#include <flotilla/base/error.hpp>

#include <tl/expected.hpp>

#include <string>
#include <utility>

namespace flotilla {

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
public:
    using tl::expected<T, Error>::expected;
};

using Status = Result<void>;

// return fail(Errc::too_large, "frame 3 has 2 MiB; the limit is 1 MiB");
[[nodiscard]] inline tl::unexpected<Error> fail(Errc code, std::string detail = {}) {
    return tl::unexpected<Error>{Error{code, std::move(detail)}};
}

// Hands the error of one outcome on as the error of another: return fail(opened.error());
[[nodiscard]] inline tl::unexpected<Error> fail(Error error) {
    return tl::unexpected<Error>{std::move(error)};
}

} // namespace flotilla
