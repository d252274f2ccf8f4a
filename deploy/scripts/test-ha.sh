#!/bin/sh
# Installs what the tests need, then kills controllers and NATS servers of a lab with three of each, one by one, while servers move.
set -eu
node deploy/install/main.ts --with-test-tools
sh deploy/scripts/build.sh
exec vitest run --project high-availability "$@"
