#!/bin/sh
# Runs every program of a folder and starts again what dies, as an init system would:
#
#   programs.sh PROGRAMS_FOLDER RUN_FOLDER
#
# Each PROGRAMS_FOLDER/NAME is a script that becomes the program; its output goes to ../logs/NAME.log,
# its process id to RUN_FOLDER/NAME.pid.
set -u
programs=$1 run=$2

keep_running() {
  while :; do
    sh "$programs/$1" >>"$programs/../logs/$1.log" 2>&1 &
    echo $! >"$run/$1.pid"
    wait $!
    echo "lab: $1 ended with $?, starts again" >>"$programs/../logs/$1.log"
    sleep 0.5
  done
}

for program in "$programs"/*; do
  [ -e "$program" ] && keep_running "${program##*/}" &
done
# The box lives until it is killed, also when it has no programs.
while :; do sleep 86400 & wait $!; done
