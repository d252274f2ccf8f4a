#!/bin/sh
# Installs what the tests need, then has moves between a lab's hosts go wrong in every way that takes long to wait for.
set -eu
node deploy/install/main.ts --with-test-tools
exec vitest run --project faults "$@"
