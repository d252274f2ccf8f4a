#!/bin/sh
# with-cover.sh FILE TARGET COMMAND...: runs a command to which TARGET looks like FILE.
# To be started in a mount namespace of its own.
set -eu
mount --bind "$1" "$2"
shift 2
exec "$@"
