#!/bin/sh
# Installs what the tests need, checks what can be checked without running, then the tests from fast to slow.
# Arguments go to the test runner: `npm test -- --project unit`.
set -eu
if [ $# -gt 0 ]; then exec vitest run "$@"; fi
node deploy/install/main.ts --with-test-tools
sh deploy/scripts/lint.sh
sh deploy/scripts/build.sh
vitest run --project unit --project system
exec vitest run --project end-to-end
