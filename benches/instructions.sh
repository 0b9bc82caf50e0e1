#!/usr/bin/env bash
# Counts the instructions that a request takes in each case of benches/cases, and how many more than
# without a layer. Needs valgrind. A process serves N requests, another 2 N: the difference is what N
# cost, without the start.
#
# usage: instructions.sh [--check | --update] [CASE...]
#
# Without a CASE it prints how many bytes the future of a layer and the bodies have, too: what is larger is
# moved for longer.
#
# --check fails where a case takes 5 % more than benches/instructions/baseline.txt says, three times in a row:
# whether a collection of Lua's falls into one process or the other is chance. --update writes that file.
# Valgrind runs the same instructions on every machine, but not what another compiler or libc has made: hence
# the 5 %.
set -euo pipefail
cd "$(dirname "$0")/.."

baseline=benches/instructions/baseline.txt
requests=400
mode=
case ${1:-} in --check | --update) mode=$1 && shift ;; esac

target=${CARGO_TARGET_DIR:-target}
# Under valgrind the clock runs fifty times as fast: how often the hook looks must not depend on it.
export RUSTFLAGS="${RUSTFLAGS:-} --cfg steady_pace"
cargo build --quiet --locked --release --manifest-path benches/instructions/Cargo.toml --target-dir "$target"
binary=$target/release/instructions

count() {
    valgrind --tool=callgrind --toggle-collect='instructions::measured*' \
        --callgrind-out-file=/dev/null "$binary" "$1" "$2" 2>&1 |
        sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

per_request() {
    echo $((($(count "$1" $((2 * requests))) - $(count "$1" $requests)) / requests))
}

# Whether COUNT is more than 5 % above what is known of NAME.
is_dearer() {
    known=$(sed -n "s/^$1 \([0-9]*\)$/\1/p" $baseline 2>/dev/null || true)
    [ -n "$known" ] && [ $(($2 * 100)) -gt $((known * 105)) ]
}

counted=
dearer=0

# Prints NAME, COUNT and what is to be said of it.
report() {
    local note=
    if is_dearer "$1" "$2"; then
        note="more than 5 % above the $known of $baseline"
        dearer=1
    fi
    counted+="$1 $2"$'\n'
    printf '%-24s %8d  %s  %s\n' "$1" "$2" "$3" "$note"
}

base=
for name in no_layer ${*:-$("$binary" | grep -v '^no_layer$')}; do
    now=$(per_request "$name")
    for _ in 1 2; do
        is_dearer "$name" "$now" && now=$(per_request "$name")
    done
    base=${base:-$now}
    report "$name" "$now" "(+$((now - base)))"
done

if [ $# = 0 ]; then
    while read -r name bytes; do
        report "$name" "$bytes" bytes
    done < <("$binary" --sizes)
fi

if [ "$mode" = --update ]; then
    printf '%s' "$counted" >$baseline
elif [ "$mode" = --check ] && [ $dearer = 1 ]; then
    echo "A request has become dearer. If that is worth it: benches/instructions.sh --update" >&2
    exit 1
fi
