#!/usr/bin/env bash
# make demo: a server, and real conversations with it over TCP and over UDP. Both
# sides are printed; what the server sees (-v) stands behind "server|".
set -euo pipefail
dialtone=$1
dir=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; rm -rf "$dir"' EXIT

"$dialtone" serve tcp://127.0.0.1:0 udp://127.0.0.1:0 -v >"$dir/addresses" 2>"$dir/log" &
server=$!
for _ in $(seq 100); do
  [ "$(grep -c listening "$dir/addresses")" = 2 ] && break
  sleep 0.05
done
tcp=$(sed -n 's/^listening \(tcp:.*\)/\1/p' "$dir/addresses")
udp=$(sed -n 's/^listening \(udp:.*\)/\1/p' "$dir/addresses")

# converse LINE... -- CONNECT'S ARGUMENTS: sends the lines, prints them and the answers.
converse() {
  local lines=() line
  while [ "$1" != -- ]; do lines+=("$1"); shift; done
  shift
  echo "\$ dialtone connect $*"
  for line in "${lines[@]}"; do printf 'client> %s\n' "$line"; done
  printf '%s\n' "${lines[@]}" | "$dialtone" connect "$@" | sed 's/^/answer| /'
  echo
}

echo "\$ dialtone serve $tcp $udp -v"
echo
converse 'hello, dialtone' 'grüße über TCP' 'exit' -- "$tcp"
converse 'hello over udp' -- "$udp" --wait 300ms
kill -TERM "$server"
wait "$server"
sed 's/^/server| /' "$dir/log"

# The demo is only worth something if it can fail.
grep -q 'HELLO, DIALTONE' "$dir/log" && grep -q 'HELLO OVER UDP' "$dir/log"
echo
echo "Both conversations went well: what was typed came back in upper case."
