// SPDX-License-Identifier: Apache-2.0
// A packed put from anybody: either refused, or its records fill it exactly, in runs as one by one,
// and what is plain is a stored record.
#include <flotilla/base/check.hpp>
#include <flotilla/queue/engine/record.hpp>
#include <flotilla/queue/put_pack.hpp>

#include <string>

using namespace flotilla;
using namespace flotilla::queue;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2)
        return 0;
    // Plain regions get their head right, so that the fuzzer spends its time behind it.
    std::string packed(reinterpret_cast<const char*>(data), size);
    const bool is_plain = (data[0] & 1) != 0;
    if (is_plain) {
        packed.replace(0, 1, wire::region_overhead_bytes, '\0');
        wire::store_u32(packed.data() + 1, static_cast<std::uint32_t>(size - 1));
    }
    wire::Expander expander;
    auto one_by_one = PutReader::open(packed, expander);
    if (!one_by_one)
        return 0;
    std::size_t records = 0;
    std::size_t bytes = 0;
    std::uint64_t body_bytes = 0;
    while (const auto put = one_by_one->next()) {
        ++records;
        bytes += put->whole.size();
        body_bytes += put->body_bytes;
        FLOTILLA_CHECK(put->frames > 0 && put->body_bytes <= put->body.size(), "no frames");
        const auto stored = read_record(put->whole);
        FLOTILLA_CHECK(put->is_plain == stored.has_value(), "what is plain is a stored record");
        if (stored)
            FLOTILLA_CHECK(stored->used == put->whole.size() && stored->record.key == put->key &&
                               stored->record.body == put->body,
                           "a plain put is stored as another");
    }
    FLOTILLA_CHECK(records == one_by_one->records(), "records are missing");
    FLOTILLA_CHECK(!is_plain || bytes == size - 1, "records do not fill the put");

    auto in_runs = PutReader::open(packed, expander);
    FLOTILLA_CHECK(in_runs.has_value(), "opened once, refused then");
    const std::size_t step = 1 + data[1] % 7;
    while (in_runs->left() > 0) {
        const PutRun run = in_runs->next_run({step, 1 + size / 2, 64});
        records -= run.count;
        body_bytes -= run.body_bytes;
        FLOTILLA_CHECK(run.count <= step, "a run is over its limit");
        if (run.count > 0)
            continue;
        const auto put = in_runs->next();
        FLOTILLA_CHECK(put.has_value(), "a run ended before the put did");
        --records;
        body_bytes -= put->body_bytes;
    }
    FLOTILLA_CHECK(records == 0 && body_bytes == 0, "runs and records differ");
    return 0;
}
