#!/usr/bin/env bash
# Install what the tests run against and pip cannot bring: mosquitto and its command-line
# clients, PostgreSQL, Chromium, and a C compiler for the faults that processes are given. Tests start
# their own brokers and databases on free ports, so the packaged services are kept from starting.
# Fails, saying what to do, rather than leave a test without its broker.
set -euo pipefail

export PATH="$PATH:/usr/sbin:/sbin"

# Debian keeps the programs of each PostgreSQL version in a folder of its own.
find_postgresql() {
  local folder
  for folder in /usr/lib/postgresql/*/bin; do
    if [[ -d $folder ]]; then PATH="$PATH:$folder"; fi
  done
}
find_postgresql

declare -A package_of=(
  [mosquitto]=mosquitto
  [mosquitto_passwd]=mosquitto
  [jq]=jq
  [mosquitto_pub]=mosquitto-clients
  [mosquitto_sub]=mosquitto-clients
  [node]=nodejs
  [npm]=npm
  [initdb]=postgresql
  [pg_ctl]=postgresql
  [chromium]=chromium
  [gcc]=gcc
)

missing_packages() {
  local program
  for program in "${!package_of[@]}"; do
    command -v "$program" >/dev/null || echo "${package_of[$program]}"
  done | sort -u
}

fail() {
  echo "install-test-services: $1" >&2
  echo "install-test-services: the tests need these Debian packages: ${missing[*]}" >&2
  exit 1
}

mapfile -t missing < <(missing_packages)
((${#missing[@]})) || exit 0

command -v apt-get >/dev/null ||
  fail "this is no Debian system; install mosquitto with its clients, PostgreSQL and Chromium with your own package manager"

as_root=()
if ((EUID != 0)); then
  command -v sudo >/dev/null || fail "not root, and there is no sudo"
  as_root=(sudo)
fi

echo "Installing for the tests, without starting any service: ${missing[*]}"

# Debian asks this file whether a freshly installed service may start; 101 means no.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
fi

"${as_root[@]}" apt-get update -qq || fail "apt-get update failed"
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null || fail "apt-get install failed"

# Not started now is not enough: it must not start at the next boot either.
for service in mosquitto postgresql; do
  if [[ " ${missing[*]} " == *" $service "* ]] && command -v systemctl >/dev/null; then
    "${as_root[@]}" systemctl disable --quiet "$service" || fail "could not disable the $service service"
  fi
done

find_postgresql
mapfile -t missing < <(missing_packages)
((${#missing[@]} == 0)) || fail "apt-get said it was done, yet something is missing"
