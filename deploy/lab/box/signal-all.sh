#!/bin/sh
# Sends a signal to every process of the PID namespace but itself and the first: signal-all.sh SIGNAL
# The program kill(1) of some distributions does not take -1; the shell's own does.
kill -s "$1" -- -1
