#!/usr/bin/env bash
# Requests per CPU second of other load generators, beside farebox's own, all against the same mock
# with one-token answers at once. The tools that are not installed are left out and named.
set -u
seconds=3
. "$(dirname "$0")/mock.sh" --ttft-ms 0 --itl-ms 0
target=$url/chat/completions
printf '{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"one two three"}]}' >"$work/body"
cat >"$work/post.lua" <<EOF
wrk.method = "POST"
wrk.body = io.open("$work/body"):read("*a")
wrk.headers["Content-Type"] = "application/json"
EOF

# measure NAME PATTERN COMMAND...: the number behind PATTERN, over user + system seconds.
measure() {
    local name=$1 pattern=$2
    shift 2
    if ! command -v "$1" >/dev/null 2>&1; then
        printf '  %-28s not installed\n' "$name"
        return
    fi
    TIMEFORMAT='%U %S'
    { time "$@" >"$work/out" 2>&1; } 2>"$work/time"
    local requests
    requests=$(grep -oP "$pattern" "$work/out" | tail -n 1 | tr -d ',')
    awk -v n="${requests:-0}" -v name="$name" \
        '{ printf "  %-28s %8.0f requests, %7.0f per CPU second\n", name, n, n / ($1 + $2 + 1e-9) }' "$work/time"
}

echo "one-token answers, 16 connections, ${seconds} s each (the mock shares the machine):"
measure "farebox bench" '[0-9,]+(?= completed)' "$farebox" bench --url "$url" --model m --no-stream --quiet \
    --scenario chat --transform truncate=16 --concurrency 16 --duration "${seconds}s" -o "$work/run"
measure wrk '[0-9]+(?= requests in)' wrk -t1 -c16 -d"${seconds}s" -s "$work/post.lua" "$target"
measure hey '(?<=\[200\]\t)[0-9]+' hey -z "${seconds}s" -c 16 -m POST -T application/json -D "$work/body" "$target"
measure ab '(?<=Complete requests:)\s*[0-9]+' ab -q -k -t "$seconds" -n 1000000 -c 16 -p "$work/body" \
    -T application/json "$target"
