#!/bin/sh
# Everything that is wrong without running: format, types, rules with type information, import directions and circles,
# unused code and dependencies.
set -eu
oxfmt --check .
tsc --noEmit -p tsconfig.json
oxlint --type-aware --deny-warnings
knip
