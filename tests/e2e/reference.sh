#!/bin/sh
# Makes results/reference/ inside the folder given: a seeded simulation of an hour of a mixed
# service, its bill and its page. The same program makes the same bytes. No plots: gnuplot writes
# its version and font metrics into them; `farebox report results/reference` draws them.
set -eu
farebox=$(realpath "${FAREBOX:-build/farebox}")
cd "$1"
"$farebox" sim --scenario mixed-service --engine rtx4090-llama-3.1-8b-tp1 --seed 7 --requests 120 \
    --slo ttft=500 --slo tpot=50 --plans demo \
    -o results/reference --force --quiet >/dev/null
"$farebox" report results/reference --plans demo --no-tables --no-plots --quiet >/dev/null
