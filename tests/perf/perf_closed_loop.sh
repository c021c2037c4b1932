#!/usr/bin/env bash
# The tail of a closed loop beside the line it has to stay below: TTFT p99 against a mock of TTFT
# 50 ms and ITL 10 ms, ten requests for each slot, with chat's lengths and with answers of 50 tokens.
# Alone on two cores. RUNS=20 for the verdicts: a false one is a run that says the client limited it.
set -u
runs=${RUNS:-1}
. "$(dirname "$0")/mock.sh" --ttft-ms 50 --itl-ms 10

# tail_of LINE SLOTS NAME OPTION...: the median and the worst p99 of all runs, and how many said ✗.
tail_of() {
    local line=$1 slots=$2 name=$3
    shift 3
    : >"$work/p99"
    for _ in $(seq "$runs"); do
        "$farebox" bench --url "$url" --scenario chat --concurrency "$slots" -n $((10 * slots)) \
            --quiet --force -o "$work/run" "$@" >/dev/null 2>&1
        python3 - "$work/run/summary.json" >>"$work/p99" <<'PY'
import json, sys
s = json.load(open(sys.argv[1]))
print(s["ttft_ms"]["p99"], int(s["fidelity"]["client_limited"]))
PY
    done
    local limited
    limited=$(grep -c ' 1$' "$work/p99")
    sort -n "$work/p99" | awk -v line="$line" -v slots="$slots" -v name="$name" -v bad="$limited" '
        { p[NR] = $1 }
        END { m = p[int((NR + 1) / 2)]
              printf "  %3d at a time, %-16s %7.1f (worst %.1f; goal %s)  %s, %d of %d limited\n",
                  slots, name, m, p[NR], line, m <= line ? "met" : "MISSED", bad, NR }'
}

echo "TTFT p99 of a closed loop, ms (the mock shares the machine; load average $(cut -d' ' -f1 /proc/loadavg)):"
tail_of 51.5 4 "chat's lengths"
tail_of 52 50 "chat's lengths"
tail_of 56 200 "chat's lengths"
tail_of 52.5 4 "50 tokens" --body '{"max_tokens":50}'
tail_of 54 50 "50 tokens" --body '{"max_tokens":50}'
tail_of 60 200 "50 tokens" --body '{"max_tokens":50}'
