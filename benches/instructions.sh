#!/usr/bin/env bash
# Counts the instructions that a request takes in each case of benches/cases, and how many more than
# without a layer. Needs valgrind. A process serves N requests, another 2 N: the difference is what N
# cost, without the start.
#
# usage: instructions.sh [--check | --update] [CASE...]
#
# --check fails where a case takes 5 % more than benches/instructions/baseline.txt says, three times in a row:
# whether a collection of Lua's falls into one process or the other is chance. --update writes that file. Valgrind runs the same instructions on every machine, but not what another compiler or libc has
# made: hence the 5 %.
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

# Whether that is more than 5 % above what is known.
is_dearer() {
    [ -n "$known" ] && [ $(($1 * 100)) -gt $((known * 105)) ]
}

base=
dearer=0
counted=
for name in no_layer ${*:-$("$binary" | grep -v '^no_layer$')}; do
    now=$(per_request "$name")
    base=${base:-$now}
    counted+="$name $now"$'\n'
    known=$(sed -n "s/^$name \([0-9]*\)$/\1/p" $baseline 2>/dev/null || true)
    for _ in 1 2; do
        is_dearer "$now" && now=$(per_request "$name")
    done
    note=
    if is_dearer "$now"; then
        note="more than 5 % above the $known of $baseline"
        dearer=1
    fi
    printf '%-24s %8d  (+%d)  %s\n' "$name" "$now" $((now - base)) "$note"
done

if [ "$mode" = --update ]; then
    printf '%s' "$counted" >$baseline
elif [ "$mode" = --check ] && [ $dearer = 1 ]; then
    echo "A request has become dearer. If that is worth it: benches/instructions.sh --update" >&2
    exit 1
fi
