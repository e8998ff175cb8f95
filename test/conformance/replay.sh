#!/bin/sh
# Replays the recorded storage families against a cluster that runs already; starts nothing.
#
#   test/conformance/replay.sh [HOST:PORT of the meta server] [more arguments of replay.py]
#
# Ends like replay.py: "N passed, M failed", exit code 1 on a difference.
set -eu

meta="${1:-127.0.0.1:34601}"
[ "$#" -gt 0 ] && shift
here="$(cd "$(dirname "$0")" && pwd)"
corpus="${PEGASUS_CONFORMANCE:-$here/../../../shared/conformance}"
if [ ! -f "$corpus/replay.py" ]; then
  echo "replay.sh: no replay.py in $corpus; set PEGASUS_CONFORMANCE to the folder of the recordings" >&2
  exit 2
fi
cd "$corpus"
exec python3 replay.py --meta "$meta" "$@" \
  single.jsonl multi_write.jsonl multi_get_keys.jsonl multi_get_range.jsonl \
  sortkey_count.jsonl scan.jsonl batch_get.jsonl
