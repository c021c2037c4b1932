#!/bin/sh
# A bill of many requests, from the file to the ranking: CPU time and the most memory, beside `wc -l`
# of the same file.   FAREBOX=build/farebox perf_bill.sh [requests]
farebox=${FAREBOX:-build/farebox} requests=${1:-10000000}
folder=$(mktemp -d) || exit 1
trap 'rm -r "$folder"' EXIT
"$farebox" workload gen chat --requests "$requests" --quiet -o "$folder/chat.jsonl" || exit 1
for command in "wc -l $folder/chat.jsonl" "$farebox bill $folder/chat.jsonl --plans demo"; do
    python3 - $command <<'END' || exit 1
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(f"{sys.argv[1].rpartition('/')[2] + ' ' + sys.argv[2]:12.12s} {used.ru_utime + used.ru_stime:7.2f} s of CPU"
      f" {used.ru_maxrss / 1024:8.0f} MiB")
END
done
