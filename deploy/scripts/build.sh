#!/bin/sh
# Checks the types of the whole workspace and bundles what a person starts often: one file loads faster than hundreds.
set -eu
tsc --noEmit -p tsconfig.json
esbuild vctl/src/main.ts --bundle --platform=node --format=esm --target=node24 --outfile=vctl/dist/main.js \
  --banner:js="import { createRequire as vfleetCreateRequire } from 'node:module'; const require = vfleetCreateRequire(import.meta.url);" \
  --log-level=warning
