#!/bin/sh
# images.sh FAREBOX: draws the pictures of the README anew, from the commands that it shows.
set -eu
farebox=$1
images=$(cd "$(dirname "$0")" && pwd)/images
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$images"
"$farebox" sim --scenario support --requests 600 --engine rtxpro6000-llama-3.1-8b-tp1 \
    -o "$work/support" --quiet >/dev/null
"$farebox" report "$work/support" --plans demo --no-tables --quiet
"$farebox" plan capacity --scenario chat --engine rtx4090-llama-3.1-8b-tp1 --slo ttft=1000 --slo tpot=50 \
    --demand 20 --gpu-hour 0.6 --plans demo -o "$work/capacity" --quiet >/dev/null
# The beginning of the page, where a browser is there to show it.
browser=$(command -v chromium || command -v google-chrome || true)
[ -z "$browser" ] || "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=900,600 \
    --screenshot="$images/page.png" "file://$work/support/report.html" >/dev/null 2>&1
cp "$work/support/plots/latency-cdf.png" "$images/latency.png"
cp "$work/support/plots/cheapest.png" "$images/cheapest.png"
cp "$work/capacity/plots/capacity.png" "$images/capacity.png"
