#!/bin/sh
# Options alone, or a configuration file, are for redis-server; anything else is a command.
set -eu
case ${1:-} in
  -* | *.conf) set -- redis-server "$@" ;;
esac
# What redis writes is for its own user alone.
umask 0077
exec "$@"
