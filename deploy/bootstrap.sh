#!/bin/sh
# Runs one of the project's scripts with the pinned Node.js and pnpm, installing first what is missing:
#
#   sh deploy/bootstrap.sh <script> [arguments...]
#
# The machine needs a Node.js of any supported age and its npm; everything else comes from
# deploy/toolchain/package.json and pnpm-lock.yaml. Progress goes to standard error, because some
# scripts print lines that a shell evaluates. When nothing changed this costs a few milliseconds.
set -eu

root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
toolchain=$root/.toolchain
modules=$root/node_modules

toolchain_is_current() {
  cmp -s "$root/deploy/toolchain/package.json" "$toolchain/installed.json" &&
    [ -x "$toolchain/node_modules/.bin/node" ] && [ -x "$toolchain/node_modules/.bin/pnpm" ]
}

dependencies_are_current() {
  cmp -s "$root/pnpm-lock.yaml" "$modules/.installed-lock.yaml"
}

install_toolchain() {
  echo "bootstrap: installing the pinned Node.js and pnpm into .toolchain" >&2
  command -v npm >/dev/null || {
    echo "bootstrap: npm is missing: install the packages nodejs and npm first" >&2
    exit 1
  }
  # The versions are exact, and a lock file written by one npm is refused by another as incomplete.
  cp "$root/deploy/toolchain/package.json" "$toolchain/package.json"
  (cd "$toolchain" && npm install --prefix "$toolchain" --no-package-lock --no-audit --no-fund --loglevel=error >&2)
  mkdir -p "$toolchain/node_modules/.bin"
  for package in "$toolchain"/node_modules/node-linux-*; do
    ln -sfn "../${package##*/}/bin/node" "$toolchain/node_modules/.bin/node"
  done
  cp "$root/deploy/toolchain/package.json" "$toolchain/installed.json"
}

install_dependencies() {
  echo "bootstrap: installing the workspace's dependencies" >&2
  # A native package without a prebuilt binary within reach is compiled, with the headers the pinned Node.js brings.
  for package in "$toolchain"/node_modules/node-linux-*; do export npm_config_nodedir="$package"; done
  if ! command -v g++ >/dev/null || ! command -v make >/dev/null || ! command -v python3 >/dev/null; then
    # What it says of a missing compiler is long and no news: a compiler is the cure for it.
    (cd "$root" && pnpm install --frozen-lockfile --reporter=append-only >"$toolchain/first-install.log" 2>&1) || install_compiler
  fi
  (cd "$root" && pnpm install --frozen-lockfile --reporter=append-only >&2)
  cp "$root/pnpm-lock.yaml" "$modules/.installed-lock.yaml"
}

install_compiler() {
  echo "bootstrap: installing a compiler for native packages: g++, make, python3" >&2
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends g++ make python3 >&2
}

[ $# -gt 0 ] || {
  echo "usage: sh deploy/bootstrap.sh <script> [arguments...]" >&2
  exit 2
}

export PATH="$toolchain/node_modules/.bin:$modules/.bin:$PATH"
if ! toolchain_is_current || ! dependencies_are_current; then
  # Two scripts started at once must not install over each other: the second waits, then finds it done.
  mkdir -p "$toolchain"
  exec 9>"$toolchain/lock"
  flock 9
  toolchain_is_current || install_toolchain
  dependencies_are_current || install_dependencies
  exec 9>&-
fi

script=$1
shift
cd "$root"
case $script in
  install) exec node deploy/install/main.ts "$@" ;;
  lab) exec node deploy/lab/main.ts "$@" ;;
  quickstart) exec node deploy/quickstart/main.ts "$@" ;;
  bench) exec node test/benchmark/main.ts "$@" ;;
  build | format | lint | test | test-faults | test-ha | test-soak | test-vm | test-zoo) exec sh "deploy/scripts/$script.sh" "$@" ;;
  *) exec "$script" "$@" ;;
esac
