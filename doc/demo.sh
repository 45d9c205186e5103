#!/usr/bin/env bash
# make demo: a file goes from one process to another, and is compared; then a server
# and real conversations with it over TCP and over UDP. What the other side says
# stands behind "receiver|" and "server|".
set -euo pipefail
dialtone=$1
dir=$(mktemp -d)
job=
trap '[ -z "$job" ] || kill "$job" 2>/dev/null || true; rm -rf "$dir"' EXIT

# await FILE REGEXP: until the file has such a line.
await() {
  for _ in $(seq 200); do
    if grep -Eq -e "$2" "$1" 2>/dev/null; then return; fi
    sleep 0.05
  done
  echo "$1 has no $2 after 10 s:" >&2
  cat "$1" >&2
  return 1
}

# send_a_file: 200 MB, slowly enough to watch, by the command that receive shows.
send_a_file() {
  head -c 200000000 /dev/urandom >"$dir/film.mkv"
  "$dialtone" receive --listen 127.0.0.1:0 --dir "$dir/inbox" 2>"$dir/receiver" &
  job=$!
  await "$dir/receiver" '--code '
  echo "\$ dialtone receive --dir inbox"
  sed 's/^/receiver| /' "$dir/receiver"
  read -r _ _ _ at _ code < <(grep -- '--code' "$dir/receiver")
  echo
  echo "\$ dialtone send film.mkv $at --code $code --limit 100MB/s"
  "$dialtone" send "$dir/film.mkv" "$at" --code "$code" --limit 100MB/s
  wait "$job"
  job=
  echo
  tail -n +3 "$dir/receiver" | sed 's/^/receiver| /'
  cmp "$dir/film.mkv" "$dir/inbox/film.mkv"
  echo
  echo "The file arrived: cmp finds no difference."
}

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

hold_conversations() {
  "$dialtone" serve tcp://127.0.0.1:0 udp://127.0.0.1:0 -v >"$dir/addresses" 2>"$dir/log" &
  job=$!
  await "$dir/addresses" 'listening udp:'
  local tcp udp
  tcp=$(sed -n 's/^listening \(tcp:.*\)/\1/p' "$dir/addresses")
  udp=$(sed -n 's/^listening \(udp:.*\)/\1/p' "$dir/addresses")
  echo "\$ dialtone serve $tcp $udp -v"
  echo
  converse 'hello, dialtone' 'grüße über TCP' 'exit' -- "$tcp"
  converse 'hello over udp' -- "$udp" --wait 300ms
  kill -TERM "$job"
  wait "$job"
  job=
  sed 's/^/server| /' "$dir/log"
  grep -q 'HELLO, DIALTONE' "$dir/log" && grep -q 'HELLO OVER UDP' "$dir/log"
  echo
  echo "Both conversations went well: what was typed came back in upper case."
}

# The demo is only worth something if it can fail.
send_a_file
echo
hold_conversations
