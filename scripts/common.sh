# SPDX-License-Identifier: Apache-2.0
# Shared by the scripts of this folder: sourced, not run.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

# set_up INSTALL GROUP...: INSTALL is "" or --no-install.
set_up() {
    local install="$1"
    shift
    "$root/scripts/install-deps" ${install:+"$install"} "$@" || exit $?
}

# quietly LOG COMMAND...: shows the command's output when stderr is a terminal or it fails.
quietly() {
    local log="$1"
    shift
    mkdir -p "$(dirname "$log")"
    if [ -t 2 ]; then
        "$@" >&2
    elif ! "$@" >"$log" 2>&1 </dev/null; then
        tail -n 60 "$log" >&2
        echo "failed: $* (the whole output: $log)" >&2
        return 1
    fi
}

# build PRESET [TARGET...]: configures and builds build/PRESET.
build() {
    local preset="$1"
    shift
    cd "$root"
    if [ -z "${CMAKE_CXX_COMPILER_LAUNCHER:-}" ] && command -v ccache >/dev/null; then
        export CMAKE_CXX_COMPILER_LAUNCHER=ccache
        export CCACHE_NOHASHDIR=1
    fi
    local targets=()
    if [ $# -gt 0 ]; then
        targets=(--target "$@")
    fi
    quietly "build/$preset.configure.log" cmake --preset "$preset"
    quietly "build/$preset.build.log" cmake --build "build/$preset" -j "$(nproc)" "${targets[@]}"
}
