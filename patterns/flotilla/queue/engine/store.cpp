// SPDX-License-Identifier: Apache-2.0
#include <flotilla/queue/engine/store.hpp>

namespace flotilla::queue {

Result<Committed> Store::commit(const Mutations& mutations) {
    if (!mutations.empty())
        if (Status written = write(mutations); !written)
            return fail(written.error());
    return Committed{++commits_};
}

} // namespace flotilla::queue
