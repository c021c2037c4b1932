# mock.sh OPTION...: to be sourced by bash. Starts a mock at $url and makes a folder $work; both are
# gone at the script's end.
farebox=${FAREBOX:-build/farebox}
work=$(mktemp -d)
trap 'kill "$mock" 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT

"$farebox" mock --listen 127.0.0.1:0 --quiet "$@" >"$work/mock" 2>&1 &
mock=$!
for _ in $(seq 100); do
    url=$(grep -o 'http://[^ ]*' "$work/mock") && break
    read -r -t 0.05 <> <(:) || true
done
