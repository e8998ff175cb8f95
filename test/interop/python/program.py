"""All operations of the Python client pypegasus3 on a live cluster, one JSON line per check.

    program.py META

What the test has to do to the cluster meanwhile is asked for with a line {"do": ...}; it is done when
a line comes in. The client is used as it is published, so its own limits show here: texts in
multi_set and multi_get, and no scan to the end of a hash key (its stop key cannot be made in
Python 3), so every scan names its stop.
"""
import json
import sys

from twisted.internet import defer, reactor, threads
from pypegasus.pgclient import Pegasus
from pypegasus.base.ttypes import error_types
from pypegasus.rrdb.ttypes import filter_type
from pypegasus.utils.tools import MultiGetOptions, ScanOptions

METAS = sys.argv[1].split(",")
TABLE = "temp"
ROWS_TABLE = "rows"
MISSING = "missing"
DOOMED = "doomed"
OK = error_types.ERR_OK.value
NOT_FOUND = error_types.ERR_OBJECT_NOT_FOUND.value
INCOMPLETE = error_types.ERR_INCOMPLETE_DATA.value
ROWS = 10500
ATTEMPTS_MAX = 120


def tell(**line):
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def check(name, actual, expected):
    passed = actual == expected
    tell(check=name, ok=passed, detail="" if passed else "%r is not %r" % (actual, expected))


@defer.inlineCallbacks
def ask(what):
    tell(do=what)
    yield threads.deferToThread(sys.stdin.readline)


def pause(seconds):
    waiting = defer.Deferred()
    reactor.callLater(seconds, waiting.callback, None)
    return waiting


@defer.inlineCallbacks
def insist(operation, *wanted):
    """Repeats what an outage may fail: the client leaves that to its user."""
    answer = None
    for _ in range(ATTEMPTS_MAX):
        answer = yield operation()
        if isinstance(answer, tuple) and answer[0] in wanted:
            break
        yield pause(0.25)
    return answer


@defer.inlineCallbacks
def single(client, phase, prefix):
    name = "%s/" % phase + "%s"
    key = prefix + "-single"
    check(name % "set", (yield client.set(key, "s", "value")), (OK, None))
    check(name % "get", (yield client.get(key, "s")), (OK, b"value"))
    check(name % "get-missing", (yield client.get(key, "absent")), (NOT_FOUND, b""))
    check(name % "exist", (yield client.exist(key, "s"))[0], OK)
    check(name % "exist-missing", (yield client.exist(key, "absent"))[0], NOT_FOUND)
    check(name % "ttl-none", (yield client.ttl(key, "s")), (OK, -1))
    yield client.set(key, "ttl", "value", 100)
    code, seconds = yield client.ttl(key, "ttl")
    check(name % "ttl", (code, 95 <= seconds <= 100), (OK, True))
    yield client.set(key, "brief", "value", 1)
    code, _ = yield client.get(key, "brief")
    yield pause(2.1)
    check(name % "ttl-expires", (yield client.get(key, "brief"))[0], NOT_FOUND)
    check(name % "remove", (yield client.remove(key, "s")), (OK, None))
    check(name % "remove-shows", (yield client.get(key, "s"))[0], NOT_FOUND)
    check(name % "remove-missing", (yield client.remove(key, "absent")), (OK, None))
    binary = bytes(range(256))
    yield client.set(prefix.encode() + binary, binary, binary)
    check(name % "binary", (yield client.get(prefix.encode() + binary, binary)), (OK, binary))
    sort_key = prefix.encode() + b"-of-the-empty-hash-key"
    yield client.set(b"", sort_key, b"empty hash key")
    check(name % "empty-hash-key", (yield client.get(b"", sort_key)), (OK, b"empty hash key"))
    yield client.set(key, "", "")
    check(name % "empty-sort-key-and-value", (yield client.get(key, "")), (OK, b""))
    large = b"x" * 500_000
    yield client.set(key, "large", large)
    check(name % "large-value", (yield client.get(key, "large")) == (OK, large), True)


@defer.inlineCallbacks
def multi(client, phase, prefix):
    name = "%s/" % phase + "%s"
    key = prefix + "-multi"
    rows = {"k%02d" % i: "v%d" % i for i in range(20)}
    wire = {k.encode(): v.encode() for k, v in rows.items()}
    check(name % "multi_set", (yield client.multi_set(key, rows)), (OK, None))
    check(name % "multi_get-all", (yield client.multi_get(key, None)), (OK, wire))
    some = {"k03", "k07", "absent"}
    check(name % "multi_get", (yield client.multi_get(key, some)),
          (OK, {b"k03": b"v3", b"k07": b"v7"}))
    code, found = yield client.multi_get(key, None, 5)
    check(name % "multi_get-incomplete", (code, sorted(found)), (INCOMPLETE, sorted(wire)[:5]))
    check(name % "get_sort_keys", (yield client.get_sort_keys(key)),
          (OK, dict.fromkeys(wire, b"")))
    check(name % "sort_key_count", (yield client.sort_key_count(key)), (OK, 20))
    check(name % "sort_key_count-missing", (yield client.sort_key_count(key + "-")), (OK, 0))
    options = MultiGetOptions()
    options.start_inclusive = False
    options.stop_inclusive = True
    code, found = yield client.multi_get_opt(key, "k02", "k05", options)
    check(name % "multi_get_opt-range", (code, sorted(found)), (OK, [b"k03", b"k04", b"k05"]))
    options = MultiGetOptions()
    options.sortkey_filter_type = filter_type.FT_MATCH_POSTFIX
    options.sortkey_filter_pattern = "5"
    code, found = yield client.multi_get_opt(key, "", "", options)
    check(name % "multi_get_opt-filter", (code, sorted(found)), (OK, [b"k05", b"k15"]))
    options = MultiGetOptions()
    options.reverse = True
    options.no_value = True
    code, found = yield client.multi_get_opt(key, "", "", options, 2)
    check(name % "multi_get_opt-reverse", (code, found), (INCOMPLETE, {b"k18": b"", b"k19": b""}))
    yield client.multi_set(key + "-ttl", {"a": "1", "b": "2"}, 100)
    code, seconds = yield client.ttl(key + "-ttl", "b")
    check(name % "multi_set-ttl", (code, 95 <= seconds <= 100), (OK, True))
    check(name % "multi_del", (yield client.multi_del(key, {"k00", "k01", "absent"})), (OK, 3))
    check(name % "multi_del-shows", (yield client.sort_key_count(key)), (OK, 18))


@defer.inlineCallbacks
def drain(scanner):
    rows = []
    row = yield scanner.get_next()
    while row is not None:
        rows.append(row)
        row = yield scanner.get_next()
    return rows


@defer.inlineCallbacks
def fill(client, prefix):
    """Rows of which scans need many batches: some in one hash key, the others in many."""
    half = ROWS // 2
    for start in range(0, half, 500):
        rows = {"r%05d" % i: "v%d" % i for i in range(start, min(start + 500, half))}
        yield client.multi_set(prefix + "-scan", rows)
    for start in range(half, ROWS, 250):
        numbers = range(start, min(start + 250, ROWS))
        yield defer.gatherResults(
            [client.set("%s-row-%05d" % (prefix, i), "s", "v%d" % i) for i in numbers])


@defer.inlineCallbacks
def scans(client, phase, prefix):
    name = "%s/" % phase + "%s"
    half = ROWS // 2
    options = ScanOptions()
    options.batch_size = 100
    rows = yield drain(client.get_scanner(prefix + "-scan", "", "r~", options))
    check(name % "scan", [((prefix + "-scan", "r%05d" % i), b"v%d" % i) for i in range(half)] == rows,
          True)
    options = ScanOptions()
    options.start_inclusive = False
    options.stop_inclusive = True
    rows = yield drain(client.get_scanner(prefix + "-scan", "r00010", "r00013", options))
    check(name % "scan-bounds", [key[1] for key, _ in rows], ["r00011", "r00012", "r00013"])
    rows = yield drain(client.get_scanner(prefix + "-scan", "x", "y", ScanOptions()))
    check(name % "scan-empty", rows, [])
    scanner = client.get_scanner(prefix + "-scan", "", "r~", options)
    yield scanner.get_next()
    scanner.close()
    check(name % "scan-close", (yield client.sort_key_count(prefix + "-scan")), (OK, half))


@defer.inlineCallbacks
def full_scans(client, phase):
    """Of a table that has texts only: this client makes texts of all keys that it scans."""
    for split in (1, 3, 100):
        found = {}
        for scanner in client.get_unordered_scanners(split, ScanOptions()):
            for key, value in (yield drain(scanner)):
                found[key] = value
        check("%s/full-scan-%d" % (phase, split), len(found), ROWS)


@defer.inlineCallbacks
def failover(client, prefix):
    """Every write gets through in the end, though a server is killed in the middle."""
    def write(number):
        return insist(lambda: client.set("%s-%d" % (prefix, number), "s", "v%d" % number, 0, 500), OK)

    def read(number):
        return insist(lambda: client.get("%s-%d" % (prefix, number), "s", 500), OK, NOT_FOUND)

    for number in range(50):
        yield write(number)
    yield ask("kill")
    answers = []
    for number in range(50, 150):
        answers.append((yield write(number)))
    check("during/writes", answers, [(OK, None)] * 100)
    found = []
    for number in range(150):
        found.append((yield read(number)))
    check("during/reads", found, [(OK, b"v%d" % number) for number in range(150)])
    yield ask("start")
    yield defer.maybeDeferred(client.init)
    found = []
    for number in range(150):
        found.append((yield read(number)))
    check("after/reads", found, [(OK, b"v%d" % number) for number in range(150)])


@defer.inlineCallbacks
def absent_tables():
    missing = Pegasus(METAS, MISSING, 2000)
    yield missing.init()
    check("missing-table", missing.table.query_cfg_response, None)
    missing.close()
    doomed = Pegasus(METAS, DOOMED, 2000)
    yield doomed.init()
    check("doomed-table", (yield doomed.set("h", "s", "v")), (OK, None))
    yield ask("drop")
    answer = yield doomed.set("h", "s", "v")
    refusals = (error_types.ERR_INVALID_STATE, error_types.ERR_OBJECT_NOT_FOUND)
    check("dropped-table", answer in refusals, True)
    doomed.close()
    again = Pegasus(METAS, DOOMED, 2000)
    yield again.init()
    check("dropped-table-again", again.table.query_cfg_response, None)
    again.close()


@defer.inlineCallbacks
def main():
    client = Pegasus(METAS, TABLE, 10000)
    check("init", bool((yield client.init())), True)
    rows = Pegasus(METAS, ROWS_TABLE, 10000)
    yield rows.init()
    yield fill(rows, "scan")
    for phase in ("before", "after"):
        prefix = "python-%s" % phase
        yield single(client, phase, prefix)
        yield multi(client, phase, prefix)
        if phase == "after":
            yield rows.init()
        yield scans(rows, phase, "scan")
        yield full_scans(rows, phase)
        if phase == "before":
            yield failover(client, "python-failover")
    yield absent_tables()
    client.close()
    rows.close()
    tell(end=True)


def crash(failure):
    tell(crash=failure.getTraceback())


if __name__ == "__main__":
    ending = main()
    ending.addErrback(crash)
    ending.addBoth(lambda _: reactor.stop())
    reactor.run()
