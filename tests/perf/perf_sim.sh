#!/bin/sh
# A simulation from the command line, its records written: a million chats at 60 requests a second on
# eight replicas.   FAREBOX=build/farebox perf_sim.sh [requests]
farebox=${FAREBOX:-build/farebox} requests=${1:-1000000} wanted=75000
folder=$(mktemp -d) || exit 1
trap 'rm -r "$folder"' EXIT
python3 - $requests $wanted "$farebox" sim -s chat --rate 60 --requests $requests --replicas 8 --quiet \
    --engine rtxpro6000-llama-3.1-8b-tp1 -o "$folder/run" <<'END'
import resource, subprocess, sys
requests, wanted = int(sys.argv[1]), int(sys.argv[2])
subprocess.run(sys.argv[3:], stdout=subprocess.DEVNULL, check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
spent = used.ru_utime + used.ru_stime
print(f"sim with records: {requests / spent:.0f} requests a CPU second ({spent:.2f} s, of them {used.ru_stime:.2f} s in"
      f" the system, {used.ru_maxrss / 1024:.0f} MiB); wanted {wanted}")
sys.exit(requests / spent < wanted)
END
