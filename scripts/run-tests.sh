#!/bin/sh
# Runs the test files given, and those in the folders given (Node 20 knows no patterns after --test), except those whose
# path begins with one of the words after a `--`.
set -eu
cd "$(dirname "$0")/.."
files=''
without=''
for path in "$@"; do
  if [ "$path" = -- ]; then
    without=' '
  elif [ -n "$without" ]; then
    without="$without $path"
  else
    files="$files $(find "$path" -name '*.test.ts' -not -path '*/node_modules/*')"
  fi
done
for prefix in $without; do
  files=$(printf '%s\n' $files | grep -v "^$prefix" || true)
done
files=$(printf '%s\n' $files | sort)
if [ -z "$files" ]; then
  echo "no test file in: $*" >&2
  exit 1
fi
# No path of this repository has a blank in it.
# shellcheck disable=SC2086
exec node --enable-source-maps --import tsx --test --test-concurrency="${TEST_CONCURRENCY:-2}" --test-reporter=spec $files
