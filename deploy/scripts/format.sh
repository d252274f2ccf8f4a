#!/bin/sh
set -eu
exec oxfmt .
