#!/bin/sh
# Installs what the tests need, then kills agents at random moments of moves. VFLEET_SEED and VFLEET_SOAK_ROUNDS choose what and how long.
set -eu
node deploy/install/main.ts --with-test-tools
exec vitest run --project soak "$@"
