#!/usr/bin/env bash
# Counts the instructions that a request takes in each case of benches/cases, and how many more than
# without a layer. Needs valgrind. A process serves N requests, another 2 N: the difference is what N
# cost, without the start.
set -euo pipefail
cd "$(dirname "$0")/.."

requests=2000
binary=$(cargo bench --no-run --bench instructions --message-format json 2>/dev/null |
    grep -o '"executable":"[^"]*instructions[^"]*"' | tail -1 | cut -d '"' -f 4)

count() {
    valgrind --tool=callgrind --toggle-collect='instructions::measured*' \
        --callgrind-out-file=/dev/null "$binary" "$1" "$2" 2>&1 |
        sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

base=
for name in no_layer ${*:-$("$binary" | grep -v '^no_layer$')}; do
    per_request=$((($(count "$name" $((2 * requests))) - $(count "$name" $requests)) / requests))
    base=${base:-$per_request}
    printf '%-24s %8d  (+%d)\n' "$name" "$per_request" $((per_request - base))
done
