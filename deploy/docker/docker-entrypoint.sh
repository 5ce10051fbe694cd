#!/bin/sh
# Flags alone are the server's; anything else is a command of its own. exec, so that signals reach it as process 1.
set -e

if [ "${1#-}" != "$1" ]; then
  set -- memshard-server "$@"
fi

exec "$@"
