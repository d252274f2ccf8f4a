#!/bin/sh
# Installs what the tests need, harms every single frame of moves between hosts, then kills agents at random moments of moves.
# VFLEET_SEED and VFLEET_SOAK_ROUNDS choose what and how long.
set -eu
node deploy/install/main.ts --with-test-tools
VFLEET_STREAM_FAULTS=every vitest run --project system stream-faults
exec vitest run --project soak "$@"
