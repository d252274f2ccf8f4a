#!/bin/sh
# Installs what the tests need, then moves servers of real software under their own clients.
set -eu
node deploy/install/main.ts --with-test-tools
exec vitest run --project zoo "$@"
