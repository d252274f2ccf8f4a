#!/bin/sh
# Becomes a program in given cgroups:
#
#   in-cgroup.sh "FILE FILE..." PROGRAM [ARGUMENTS...]
#
# Each FILE is a cgroup.procs. Process id 0 means the writer, in every PID namespace.
set -eu
for file in $1; do echo 0 >"$file"; done
shift
exec "$@"
