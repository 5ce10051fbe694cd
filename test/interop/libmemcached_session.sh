#!/bin/sh
# A day in the life of an operator who uses libmemcached's programs, over the protocol (text or binary) and
# against the nodes named as arguments. Checks what they say and ends with 1 if it is not what memcached would
# give.
set -eu

protocol=$1
shift
servers=$(echo "$*" | tr ' ' ',')
nodes=$#
flags=
[ "$protocol" = text ] || flags=-b
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"

fail() {
  echo "$*" >&2
  exit 1
}

# tool NAME ARGUMENTS...: runs memcNAME against the nodes.
tool() {
  name=memc$1
  shift
  # shellcheck disable=SC2086
  "$name" $flags --servers "$servers" "$@"
}

# refuses NAME ARGUMENTS...: the same, and it must fail.
refuses() {
  if tool "$@" >refused 2>&1; then fail "$* succeeds"; fi
}

count() {
  wc -l | tr -d ' '
}

printf 'one\r\ntwo\0END\r\n' >text
head -c 300000 /dev/urandom >blob

memcping --servers "$servers" || fail ping
tool flush
refuses cp --replace text
tool cp text blob
refuses cp --add text
tool cp --replace text
tool exist text blob
refuses exist nope
tool cat --file=copy text && cmp text copy
tool cat --file=copy blob && cmp blob copy
refuses cat nope
tool touch --expire=100 text
refuses touch --expire=100 nope
tool cp --expire=1 text
while tool exist text 2>/dev/null; do sleep 0.1; done
refuses cat text
tool rm blob
refuses rm blob

# Enough keys that every node has some.
for i in $(seq 300); do echo "value $i" >"key-$i"; done
tool cp key-*
# A proxy has no items to list, and none of a node's statistics.
if [ "$protocol" = text ] && [ -z "${THROUGH_PROXY:-}" ]; then
  # memcdump speaks text alone, and sees what has come to the end of the LRU.
  ls key-* | sort >stored
  while tool dump | sort >dumped && [ "$(count <dumped)" -lt 100 ]; do sleep 0.1; done
  [ "$(comm -23 dumped stored | count)" = 0 ] || fail dump
fi
[ "$(tool cat key-7)" = 'value 7' ] || fail "key-7"

[ "$(tool stat --server-version 2>&1 | grep -c ' 1\.6\.[0-9]*$')" = "$nodes" ] || fail 'stat --server-version'
if [ -z "${THROUGH_PROXY:-}" ]; then
  [ "$(tool stat | grep -c 'curr_items: [1-9]')" = "$nodes" ] || fail stat
  [ "$(tool stat settings | grep -c 'maxbytes: [1-9]')" = "$nodes" ] || fail 'stat settings'
  [ "$(tool stat slabs | grep -c 'active_slabs: [1-9]')" = "$nodes" ] || fail 'stat slabs'
  [ "$(tool stat items | grep -c 'items:[0-9]*:number: [1-9]')" -ge "$nodes" ] || fail 'stat items'
fi
if [ "$nodes" -gt 1 ]; then
  tool stat --analyze | grep -q "Number of Servers Analyzed *: $nodes" || fail 'stat --analyze'
fi

for test in get mget set; do
  tool slap --test=$test --concurrency=4 --execute-number=500 | grep -q 'Time total' || fail "slap $test"
done
tool slap --test=set --noreply --execute-number=500 | grep -q 'Time total' || fail 'slap --noreply'

tool flush
refuses exist key-7
echo "ok $(memcstat --version | grep -o '[0-9.]*[0-9]' | tail -n 1)"
