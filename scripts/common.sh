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
        grep -m 20 -E '(^|[: ])([Ee]rror:|FAILED)' "$log" >&2 || true
        tail -n 40 "$log" >&2
        echo "failed: $* (the whole output: $log)" >&2
        return 1
    fi
}

# build PRESET [-DOPTION=VALUE...] [TARGET...]: configures and builds build/PRESET.
build() {
    local preset="$1"
    shift
    cd "$root"
    if [ -z "${CMAKE_CXX_COMPILER_LAUNCHER:-}" ] && command -v ccache >/dev/null; then
        export CMAKE_CXX_COMPILER_LAUNCHER=ccache
        # So that another clone finds what this one compiled.
        export CCACHE_NOHASHDIR=1
        export CCACHE_BASEDIR="${CCACHE_BASEDIR:-$root}"
        export CCACHE_SLOPPINESS="${CCACHE_SLOPPINESS:-pch_defines,time_macros}" # for compiled headers
        export CCACHE_DEPEND="${CCACHE_DEPEND:-true}" # what is new is not preprocessed first
    fi
    # The programs of a tree are linked in a fraction of the time.
    if command -v ld.lld >/dev/null; then
        export LDFLAGS="${LDFLAGS:--fuse-ld=lld}"
    fi
    local options=() targets=()
    for argument in "$@"; do
        case "$argument" in
            -D*) options+=("$argument") ;;
            *) targets+=("$argument") ;;
        esac
    done
    quietly "build/$preset.configure.log" cmake --preset "$preset" "${options[@]}"
    quietly "build/$preset.build.log" cmake --build "build/$preset" -j "$(nproc)" \
        ${targets[@]:+--target "${targets[@]}"}
}
