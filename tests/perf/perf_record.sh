#!/usr/bin/env bash
# What farebox record adds to a chunk, from its socket in to its write out, at 2,000 chunks/s of 100
# streams; alone on two cores.
set -u
echo "farebox record, 100 streams at 2,000 chunks/s:"
python3 "$(dirname "$0")/record_long.py" 100 400 2000
