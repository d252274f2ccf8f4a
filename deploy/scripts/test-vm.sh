#!/bin/sh
# Installs what a fleet of virtual machines needs, then moves servers between their kernels. Takes many minutes.
set -eu
node deploy/install/main.ts --with-vm
exec vitest run --project vm "$@"
