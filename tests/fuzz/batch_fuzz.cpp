// SPDX-License-Identifier: Apache-2.0
// A batch from anybody: either refused, or its messages lie within their region and fill it.
#include <flotilla/wire/batch.hpp>

#include <string>

using namespace flotilla;
using namespace flotilla::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t region_max = 1 << 20;
    // The head is put right so that the fuzzer spends its time behind it.
    std::string frame{"\xf1\x46\x42"};
    frame += size % 2 == 0 ? '\x01' : '\x02';
    frame.append(reinterpret_cast<const char*>(data), size);
    Expander expander;
    auto reader = BatchReader::open(frame, expander, region_max);
    if (!reader)
        return 0;
    std::size_t bytes = 0;
    std::uint64_t sum = 0;
    for (; reader->left() > 0;) {
        const ByteView message = reader->next();
        bytes += message.size();
        FLOTILLA_CHECK(frame[3] == 1 || !message.empty(), "empty messages of one size");
        for (const char byte : message)
            sum += static_cast<unsigned char>(byte);
    }
    FLOTILLA_CHECK(bytes <= region_max, "messages beyond the region");
    return sum == UINT64_MAX ? 1 : 0; // the bytes were read
}
