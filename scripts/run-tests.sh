#!/bin/sh
# Runs the test files given, or those in the folders given (Node 20 knows no patterns after --test).
set -eu
cd "$(dirname "$0")/.."
files=$(for path in "$@"; do
  if [ -e "$path" ]; then find "$path" -name '*.test.ts' -not -path '*/node_modules/*'; fi
done | sort)
if [ -z "$files" ]; then
  echo "no test file in: $*" >&2
  exit 1
fi
# No path of this repository has a space in it.
# shellcheck disable=SC2086
exec node --enable-source-maps --import tsx --test --test-concurrency=2 --test-reporter=spec $files
