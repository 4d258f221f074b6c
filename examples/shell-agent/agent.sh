#!/usr/bin/env bash
# A complete agent with nothing but bash, mosquitto_pub, mosquitto_sub and jq:
#   FLEETBUS_AGENT=bot-1 examples/shell-agent/agent.sh
# agent.jq decides, this carries out. One jq runs as long as the agent and keeps its state; events go
# in by a pipe, orders come out by another. The subscription holds the will of the connection, and
# each message goes out by a connection of its own, whose client id begins with the agent's name.
set -u
here=$(dirname "${BASH_SOURCE[0]}")
name=${FLEETBUS_AGENT:?} root=${FLEETBUS_ROOT:-fleet}/v1
host=${FLEETBUS_HOST:-127.0.0.1} port=${FLEETBUS_PORT:-1883}
boot=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
heartbeat_ms=$(jq -n "${FLEETBUS_HEARTBEAT_S:-10} * 1000 | floor")
folder=$(mktemp -d)
mkfifo "$folder/events" "$folder/orders"
exec 3<>"$folder/events" 4<>"$folder/orders"
declare -A jobs=()
conn=0 sub=

# The first clock counts while the machine sleeps, and leases are measured by it.
now() { local up; read -r up _ </proc/uptime; printf '%s,%s' "$((10#${up/./} * 10))" "$(date +%s%3N)"; }
# With an IFS of its own: a signal may call this in the middle of the reading below, which has another.
event() { local IFS=$' \t\n'; printf '%s %s\n' "$(now)" "$*" >&3; }

publish() { # channel retain payload
  local flags=(-q 1)
  [[ $2 == 1 ]] && flags+=(-r)
  mosquitto_pub -h "$host" -p "$port" -i "$name-say" -u "$name" -t "$root/agents/$name/$1" "${flags[@]}" -m "$3"
}

connect() {
  conn=$((conn + 1))
  [[ -n $sub ]] && kill "$sub" 2>/dev/null
  event connecting "$conn"
}

subscribe() { # will
  local topic topics=() mine=$conn
  for topic in "agents/$name/presence" "registry/$name" "inbox/$name/#" coordinator/presence coordinator/rollcall; do
    topics+=(-t "$root/$topic")
  done
  mosquitto_sub -h "$host" -p "$port" -i "$name" -u "$name" -k 20 -q 1 "${topics[@]}" -F '%t	%p' \
    --will-topic "$root/agents/$name/presence" --will-payload "$1" --will-qos 1 --will-retain \
    > >(while IFS= read -r line; do event bus "$line"; done) 2>/dev/null &
  sub=$!
  (sleep 0.5; event connected "$mine") & # what is retained about this name comes first
}

clean_up() {
  kill "$sub" "$ticker" "$core" "${jobs[@]}" 2>/dev/null
  rm -rf "$folder"
}

trap 'event leave -' TERM INT
jq -nRr --unbuffered --arg name "$name" --arg boot "$boot" --arg root "$root" --arg host "$(uname -n)" \
  --argjson heartbeat_ms "$heartbeat_ms" --argjson slots 4 -f "$here/agent.jq" <&3 >&4 &
core=$!
(trap - TERM INT; while sleep 0.1; do event tick -; done) &
ticker=$!
connect
while :; do
  IFS=$'\t' read -r order a b c <&4 || continue # a signal has interrupted the reading
  case $order in
    pub) publish "$a" "$b" "$c" ;;
    will) subscribe "$a" ;;
    reconnect) connect ;;
    run)
      (trap - TERM INT; sleep "$c"; event ended "$a" "$b") &
      jobs["$a $b"]=$!
      ;;
    kill)
      kill "${jobs["$a $b"]}" 2>/dev/null
      wait "${jobs["$a $b"]}" 2>/dev/null
      event ended "$a" "$b"
      ;;
    exit)
      clean_up
      exit "$a"
      ;;
  esac
done
