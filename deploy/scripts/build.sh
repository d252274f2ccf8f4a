#!/bin/sh
# Bundles what a person starts often: one file loads faster than hundreds. The rest runs from its sources;
# `npm run lint` checks the types.
set -eu
exec esbuild vctl/src/main.ts --bundle --platform=node --format=esm --target=node24 --outfile=vctl/dist/main.js \
  --banner:js="import { createRequire as vfleetCreateRequire } from 'node:module'; const require = vfleetCreateRequire(import.meta.url);" \
  --log-level=warning
