# SPDX-License-Identifier: Apache-2.0
# What the drills share. A drill runs its fleet in a scratch folder, from the very settings beside
# it: every tcp port N becomes the socket N of that folder, and the console goes, so that a rehearsal
# meets nobody. The programs are those first in PATH.
set -euo pipefail

fleet=$(cd "$(dirname "${BASH_SOURCE[1]}")" && pwd)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/drill.XXXXXX")
declare -A process=()

finish() {
    local code=$?
    trap - EXIT
    for name in "${!process[@]}"; do kill -9 "${process[$name]}" 2>/dev/null || true; done
    wait 2>/dev/null || true
    if [ "$code" -ne 0 ]; then
        for log in "$scratch"/*.log; do
            echo "--- $log" >&2
            tail -n 40 "$log" >&2
        done
    fi
    rm -rf "$scratch"
    exit "$code"
}
trap finish EXIT

say() { echo "drill: $*"; }
die() {
    echo "drill: $*" >&2
    exit 1
}

# at 5560: where that port is in the rehearsal.
at() { echo "ipc://$scratch/$1"; }

# rehearse FILE...: the fleet's settings, for the scratch folder.
rehearse() {
    local file
    for file in "$@"; do
        sed -E "s#(tcp|ipc)://[^\":]*:([0-9]+)#ipc://$scratch/\2#g; s#^admin_http = .*##; \
            s#^admin = .*##; s#^data = .*#data = \"$scratch/data\"#" \
            "$fleet/$file" > "$scratch/$file"
    done
}

# run NAME COMMAND...: in the background, with its log. Its number is ${process[NAME]}.
run() {
    local name=$1
    shift
    "$@" > "$scratch/$name.out" 2> "$scratch/$name.log" &
    process[$name]=$!
}

# The n-th line of the log that says EVENT is there: log_has NAME EVENT [N].
log_has() { [ "$(grep -c -- "$2" "$scratch/$1.log" || true)" -ge "${3:-1}" ]; }

# eventually WHAT COMMAND...: tries again until it succeeds; what never happens ends the drill.
eventually() {
    local what=$1
    shift
    for _ in $(seq 600); do
        if "$@" >/dev/null 2>&1; then return 0; fi
        read -r -t 0.1 <> <(:) || true
    done
    die "never happened: $what"
}

# start DAEMON FILE NAME: and waits until it is ready.
start() {
    run "$3" "flotilla-$1" --config "$scratch/$2"
    eventually "$3 is ready" log_has "$3" "$1_ready"
}

# kill9 NAME: as a power cut would.
kill9() {
    kill -9 "${process[$1]}"
    wait "${process[$1]}" 2>/dev/null || true
    unset "process[$1]"
}

# stop NAME: as systemd does; it drains.
stop() {
    kill -TERM "${process[$1]}"
    wait "${process[$1]}" || [ $? -eq 5 ] || die "$1 did not end well"
    unset "process[$1]"
}
