# SPDX-License-Identifier: Apache-2.0
# flotilla_precompile(TARGET FROM OWNER): with FLOTILLA_PRECOMPILE_HEADERS, compiles TARGET against
# the headers that OWNER has compiled once; the owner names itself. Half of what a file costs to
# compile is the standard library. Both must be compiled with the same flags.
#
# Only for the sanitizers: a file that forgets to include what it uses compiles against these, and
# is found by the other presets.
function(flotilla_precompile target)
    cmake_parse_arguments(ARG "" "FROM" "HEADERS" ${ARGN})
    if(NOT FLOTILLA_PRECOMPILE_HEADERS)
        return()
    endif()
    if(NOT target STREQUAL ARG_FROM)
        target_precompile_headers(${target} REUSE_FROM ${ARG_FROM})
        return()
    endif()
    target_precompile_headers(
        ${target} PRIVATE
        <algorithm> <array> <chrono> <deque> <filesystem> <functional> <map> <memory> <mutex> <optional>
        <random> <set> <string> <string_view> <thread> <unordered_map> <variant> <vector>
        <tl/expected.hpp> ${ARG_HEADERS})
endfunction()
