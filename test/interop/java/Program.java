import static org.apache.pegasus.client.CheckType.*;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.apache.commons.lang3.tuple.Pair;
import org.apache.pegasus.client.*;

/**
 * All operations of the official Java client on a live cluster, one JSON line per check.
 *
 * <p>Its one argument is the address of a meta server. What the test has to do to the cluster
 * meanwhile is asked for with a line {"do": ...}; it is done when a line comes in. Values are
 * compared as texts.
 */
public class Program {
  private static final String TABLE = "temp";
  private static final String ROWS_TABLE = "rows";
  private static final int ROWS = 10_500;
  private static final int ATTEMPTS_MAX = 120;
  private static final BufferedReader INPUT = new BufferedReader(new InputStreamReader(System.in));

  private final PegasusClientInterface client;
  private final String meta;

  private interface Operation<T> {
    T run() throws Exception;
  }

  public static void main(String[] args) {
    try {
      new Program(args[0]).run();
      tell("\"end\": true");
      System.exit(0);
    } catch (Throwable problem) {
      StringBuilder text = new StringBuilder(problem.toString());
      for (StackTraceElement element : problem.getStackTrace()) text.append("\n  ").append(element);
      tell("\"crash\": " + quoted(text.toString()));
      System.exit(1);
    }
  }

  private static ClientOptions options(String meta) {
    return ClientOptions.builder()
        .metaServers(meta)
        .operationTimeout(Duration.ofSeconds(10))
        .enablePerfCounter(false)
        .enableWriteLimit(false)
        .build();
  }

  private Program(String meta) throws Exception {
    this.meta = meta;
    client = PegasusClientFactory.createClient(options(meta));
  }

  private void run() throws Exception {
    fill();
    for (String phase : new String[] {"before", "after"}) {
      single(phase);
      multi(phase);
      batches(phase);
      atomics(phase);
      scans(phase);
      if (phase.equals("before")) failover();
    }
    tableOptions();
    administration();
    absentTables();
    client.close();
  }

  // ---- telling ----

  private static void tell(String members) {
    System.out.println("{" + members + "}");
    System.out.flush();
  }

  private static String quoted(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (char letter : text.toCharArray()) {
      if (letter == '"' || letter == '\\' || letter < 32 || letter > 126) {
        quoted.append(String.format("\\u%04x", (int) letter));
      } else {
        quoted.append(letter);
      }
    }
    return quoted.append('"').toString();
  }

  /** An error is an answer too. */
  private static void check(String name, Operation<Object> operation, Object expected) {
    String actual;
    try {
      actual = String.valueOf(operation.run());
    } catch (Exception problem) {
      actual = problem.toString();
    }
    boolean passed = Objects.equals(actual, String.valueOf(expected));
    String detail = passed ? "" : actual + " is not " + expected;
    String shown = quoted(detail.substring(0, Math.min(detail.length(), 300)));
    tell("\"check\": " + quoted(name) + ", \"ok\": " + passed + ", \"detail\": " + shown);
  }

  private static void ask(String what) throws Exception {
    tell("\"do\": " + quoted(what));
    INPUT.readLine();
  }

  // ---- texts ----

  private static byte[] b(String text) {
    return text == null ? null : text.getBytes();
  }

  private static String s(byte[] bytes) {
    return bytes == null ? null : new String(bytes);
  }

  private static List<byte[]> keys(String... names) {
    List<byte[]> keys = new ArrayList<>();
    for (String name : names) keys.add(b(name));
    return keys;
  }

  private static String texts(List<Pair<byte[], byte[]>> rows) {
    List<String> words = new ArrayList<>();
    for (Pair<byte[], byte[]> row : rows) words.add(s(row.getLeft()) + "=" + s(row.getRight()));
    return String.join(" ", words);
  }

  private static List<Pair<byte[], byte[]>> rows(int count) {
    List<Pair<byte[], byte[]>> rows = new ArrayList<>();
    for (int index = 0; index < count; index++) {
      rows.add(Pair.of(b(String.format("k%02d", index)), b("v" + index)));
    }
    return rows;
  }

  private static boolean about100(int seconds) {
    return seconds >= 95 && seconds <= 100;
  }

  // ---- checks ----

  private void single(String phase) throws Exception {
    byte[] key = b("java-" + phase);
    client.set(TABLE, key, b("s"), b("value"));
    check(phase + "/get", () -> s(client.get(TABLE, key, b("s"))), "value");
    check(phase + "/get-missing", () -> s(client.get(TABLE, key, b("absent"))), null);
    check(phase + "/exist", () -> client.exist(TABLE, key, b("s")), true);
    check(phase + "/exist-missing", () -> client.exist(TABLE, key, b("absent")), false);
    check(phase + "/ttl-none", () -> client.ttl(TABLE, key, b("s")), -1);
    check(phase + "/ttl-missing", () -> client.ttl(TABLE, key, b("absent")), -2);
    client.set(TABLE, key, b("ttl"), b("v"), 100);
    check(phase + "/ttl", () -> about100(client.ttl(TABLE, key, b("ttl"))), true);
    client.set(TABLE, key, b("brief"), b("v"), 1);
    Thread.sleep(2100);
    check(phase + "/ttl-expires", () -> s(client.get(TABLE, key, b("brief"))), null);
    client.del(TABLE, key, b("s"));
    check(phase + "/del", () -> client.exist(TABLE, key, b("s")), false);
    byte[] binary = new byte[256];
    for (int index = 0; index < binary.length; index++) binary[index] = (byte) index;
    byte[] binaryKey = Arrays.copyOf(binary, 200);
    client.set(TABLE, binaryKey, binary, binary);
    check(phase + "/binary", () -> Arrays.equals(client.get(TABLE, binaryKey, binary), binary), true);
    byte[] sortKey = b("java-of-the-empty-hash-key-" + phase);
    client.set(TABLE, b(""), sortKey, b("v"));
    check(phase + "/empty-hash-key", () -> s(client.get(TABLE, b(""), sortKey)), "v");
    client.set(TABLE, key, b(""), b(""));
    check(phase + "/empty-sort-key-and-value", () -> s(client.get(TABLE, key, b(""))), "");
    byte[] large = new byte[500_000];
    client.set(TABLE, key, b("large"), large);
    check(phase + "/large-value", () -> client.get(TABLE, key, b("large")).length, large.length);
  }

  private void multi(String phase) throws Exception {
    byte[] key = b("java-multi-" + phase);
    client.multiSet(TABLE, key, rows(20));
    check(
        phase + "/multiGet",
        () -> {
          List<Pair<byte[], byte[]>> found = new ArrayList<>();
          boolean all = client.multiGet(TABLE, key, keys("k07", "k03", "absent"), found);
          return all + " " + found.size();
        },
        "true 2");
    check(
        phase + "/multiGet-limited",
        () -> {
          List<Pair<byte[], byte[]>> found = new ArrayList<>();
          return client.multiGet(TABLE, key, null, 2, -1, found) + " " + texts(found);
        },
        "false k00=v0 k01=v1");
    check(phase + "/multiGet-range", () -> range(key, "k02", "k04", new MultiGetOptions(), -1),
        "true k02=v2 k03=v3");
    MultiGetOptions bounds = new MultiGetOptions();
    bounds.startInclusive = false;
    bounds.stopInclusive = true;
    bounds.noValue = true;
    check(phase + "/multiGet-bounds", () -> range(key, "k02", "k04", bounds, -1), "true k03= k04=");
    MultiGetOptions reverse = new MultiGetOptions();
    reverse.reverse = true;
    check(phase + "/multiGet-reverse", () -> range(key, null, null, reverse, 1), "false k19=v19");
    MultiGetOptions filter = new MultiGetOptions();
    filter.sortKeyFilterType = FilterType.FT_MATCH_POSTFIX;
    filter.sortKeyFilterPattern = b("5");
    check(phase + "/multiGet-filter", () -> range(key, null, null, filter, -1),
        "true k05=v5 k15=v15");
    check(
        phase + "/multiGetSortKeys",
        () -> {
          List<byte[]> found = new ArrayList<>();
          return client.multiGetSortKeys(TABLE, key, found) + " " + found.size();
        },
        "true 20");
    check(phase + "/sortKeyCount", () -> client.sortKeyCount(TABLE, key), 20);
    byte[] ttlKey = b("java-multi-ttl-" + phase);
    client.multiSet(TABLE, ttlKey, rows(2), 100);
    check(phase + "/multiSet-ttl", () -> about100(client.ttl(TABLE, ttlKey, b("k01"))), true);
    client.multiDel(TABLE, key, keys("k00", "k01", "absent"));
    check(phase + "/multiDel", () -> client.sortKeyCount(TABLE, key), 18);
    client.delRange(TABLE, key, b("k02"), b("k05"), new DelRangeOptions());
    check(phase + "/delRange", () -> client.sortKeyCount(TABLE, key), 15);
  }

  private String range(byte[] key, String start, String stop, MultiGetOptions options, int count)
      throws PException {
    List<Pair<byte[], byte[]>> found = new ArrayList<>();
    boolean all = client.multiGet(TABLE, key, b(start), b(stop), options, count, -1, found);
    return all + " " + texts(found);
  }

  @SuppressWarnings("deprecation")
  private void batches(String phase) throws Exception {
    List<SetItem> items = new ArrayList<>();
    List<Pair<byte[], byte[]>> keys = new ArrayList<>();
    for (int index = 0; index < 50; index++) {
      byte[] key = b("java-batch-" + phase + "-" + index);
      items.add(new SetItem(key, b("s"), b("v" + index)));
      keys.add(Pair.of(key, b("s")));
    }
    client.batchSet(TABLE, items);
    check(
        phase + "/batchGet",
        () -> {
          List<byte[]> values = new ArrayList<>();
          client.batchGet(TABLE, keys, values);
          return values.size() + " " + s(values.get(49));
        },
        "50 v49");
    check(
        phase + "/batchSet2",
        () -> {
          List<PException> results = new ArrayList<>();
          return client.batchSet2(TABLE, items, results) + " " + results.get(0);
        },
        "50 null");
    check(
        phase + "/batchGet2",
        () -> {
          List<Pair<PException, byte[]>> results = new ArrayList<>();
          int count = client.batchGet2(TABLE, keys, results);
          return count + " " + s(results.get(7).getRight());
        },
        "50 v7");
    check(
        phase + "/batchGetByPartitions",
        () -> {
          List<Pair<PException, byte[]>> results = new ArrayList<>();
          client.batchGetByPartitions(TABLE, keys, results);
          Set<String> values = new HashSet<>();
          for (Pair<PException, byte[]> result : results) values.add(s(result.getRight()));
          return results.size() + " " + values.size() + " " + values.contains("v49");
        },
        "50 50 true");
    List<HashKeyData> sets = new ArrayList<>();
    List<Pair<byte[], List<byte[]>>> gets = new ArrayList<>();
    for (int index = 0; index < 10; index++) {
      byte[] key = b("java-batch-multi-" + phase + "-" + index);
      sets.add(new HashKeyData(key, rows(3)));
      gets.add(Pair.of(key, keys("k00", "k02")));
    }
    client.batchMultiSet(TABLE, sets);
    check(
        phase + "/batchMultiSet2",
        () -> client.batchMultiSet2(TABLE, sets, 100, new ArrayList<>()), 10);
    check(
        phase + "/batchMultiGet",
        () -> {
          List<HashKeyData> found = new ArrayList<>();
          client.batchMultiGet(TABLE, gets, found);
          return found.size() + " " + texts(found.get(9).values);
        },
        "10 k00=v0 k02=v2");
    check(
        phase + "/batchMultiGet2",
        () -> client.batchMultiGet2(TABLE, gets, new ArrayList<>()), 10);
    client.batchMultiDel(TABLE, gets);
    check(phase + "/batchMultiDel", () -> client.sortKeyCount(TABLE, gets.get(0).getLeft()), 1);
    check(
        phase + "/batchMultiDel2", () -> client.batchMultiDel2(TABLE, gets, new ArrayList<>()), 10);
    client.batchDel(TABLE, keys.subList(0, 25));
    check(
        phase + "/batchDel2",
        () -> client.batchDel2(TABLE, keys.subList(25, 50), new ArrayList<>()), 25);
    check(phase + "/batchDel", () -> client.exist(TABLE, keys.get(0).getLeft(), b("s")), false);
  }

  private void atomics(String phase) throws Exception {
    byte[] key = b("java-atomic-" + phase);
    check(phase + "/incr", () -> client.incr(TABLE, key, b("n"), 5), 5);
    check(phase + "/incr-again", () -> client.incr(TABLE, key, b("n"), -7), -2);
    client.incr(TABLE, key, b("n"), 0, 100);
    check(phase + "/incr-sets-ttl", () -> about100(client.ttl(TABLE, key, b("n"))), true);
    client.incr(TABLE, key, b("n"), 0);
    check(phase + "/incr-keeps-ttl", () -> about100(client.ttl(TABLE, key, b("n"))), true);
    client.incr(TABLE, key, b("n"), 0, -1);
    check(phase + "/incr-clears-ttl", () -> client.ttl(TABLE, key, b("n")), -1);
    check(phase + "/checkAndSet-not-exist", () -> set(key, CT_VALUE_NOT_EXIST, "", "one"),
        "true false null");
    check(phase + "/checkAndSet-fails", () -> set(key, CT_VALUE_NOT_EXIST, "", "x"),
        "false true one");
    check(phase + "/checkAndSet-equal", () -> set(key, CT_VALUE_BYTES_EQUAL, "one", "12"),
        "true true one");
    check(phase + "/checkAndSet-int", () -> set(key, CT_VALUE_INT_GREATER, "11", "aXb"),
        "true true 12");
    check(phase + "/checkAndSet-match", () -> set(key, CT_VALUE_MATCH_ANYWHERE, "X", "end"),
        "true true aXb");
    Mutations mutations = new Mutations();
    mutations.set(b("m1"), b("1"));
    mutations.set(b("m2"), b("2"), 100);
    mutations.del(b("c"));
    check(phase + "/checkAndMutate", () -> mutate(key, CT_VALUE_EXIST, mutations), "true true end");
    check(phase + "/checkAndMutate-fails", () -> mutate(key, CT_VALUE_EXIST, mutations),
        "false false null");
    check(phase + "/checkAndMutate-shows",
        () -> s(client.get(TABLE, key, b("m1"))) + about100(client.ttl(TABLE, key, b("m2"))), "1true");
    check(
        phase + "/compareExchange",
        () -> client.compareExchange(TABLE, key, b("m1"), b("1"), b("9"), 0).isSetSucceed(), true);
    check(
        phase + "/compareExchange-fails",
        () -> s(client.compareExchange(TABLE, key, b("m1"), b("1"), b("8"), 0).getActualValue()),
        "9");
  }

  private String set(byte[] key, CheckType type, String operand, String value) throws PException {
    CheckAndSetOptions options = new CheckAndSetOptions();
    options.returnCheckValue = true;
    PegasusTableInterface.CheckAndSetResult result =
        client.checkAndSet(TABLE, key, b("c"), type, b(operand), b("c"), b(value), options);
    String found = s(result.getCheckValue());
    return result.isSetSucceed() + " " + result.isCheckValueExist() + " " + found;
  }

  private String mutate(byte[] key, CheckType type, Mutations mutations) throws PException {
    CheckAndMutateOptions options = new CheckAndMutateOptions();
    options.returnCheckValue = true;
    PegasusTableInterface.CheckAndMutateResult result =
        client.checkAndMutate(TABLE, key, b("c"), type, null, mutations, options);
    String found = s(result.getCheckValue());
    return result.isMutateSucceed() + " " + result.isCheckValueExist() + " " + found;
  }

  private void fill() throws Exception {
    for (int start = 0; start < ROWS / 2; start += 250) {
      List<Pair<byte[], byte[]>> rows = new ArrayList<>();
      for (int index = start; index < start + 250; index++) {
        rows.add(Pair.of(b(String.format("r%05d", index)), b("v" + index)));
      }
      client.multiSet(ROWS_TABLE, b("scan"), rows);
    }
    for (int start = ROWS / 2; start < ROWS; start += 250) {
      List<SetItem> items = new ArrayList<>();
      for (int index = start; index < start + 250; index++) {
        items.add(new SetItem(b(String.format("row-%05d", index)), b("s"), b("v" + index)));
      }
      client.batchSet(ROWS_TABLE, items);
    }
  }

  private List<String> drain(PegasusScannerInterface scanner) throws PException {
    List<String> found = new ArrayList<>();
    for (Pair<Pair<byte[], byte[]>, byte[]> row = scanner.next(); row != null; ) {
      Pair<byte[], byte[]> key = row.getLeft();
      found.add(s(key.getLeft()) + "/" + s(key.getRight()) + "=" + s(row.getRight()));
      row = scanner.next();
    }
    scanner.close();
    return found;
  }

  private int scanAll(int split) throws PException {
    Set<String> found = new HashSet<>();
    ScanOptions options = new ScanOptions();
    for (PegasusScannerInterface one : client.getUnorderedScanners(ROWS_TABLE, split, options)) {
      found.addAll(drain(one));
    }
    return found.size();
  }

  private void scans(String phase) throws Exception {
    check(
        phase + "/getScanner",
        () -> {
          List<String> found =
              drain(client.getScanner(ROWS_TABLE, b("scan"), null, null, new ScanOptions()));
          boolean ordered = true;
          for (int index = 0; index < found.size(); index++) {
            ordered &= found.get(index).equals(String.format("scan/r%05d=v%d", index, index));
          }
          return found.size() + " " + ordered;
        },
        ROWS / 2 + " true");
    ScanOptions bounds = new ScanOptions();
    bounds.startInclusive = false;
    bounds.stopInclusive = true;
    bounds.noValue = true;
    check(
        phase + "/getScanner-bounds",
        () -> drain(client.getScanner(ROWS_TABLE, b("scan"), b("r00010"), b("r00012"), bounds)),
        "[scan/r00011=, scan/r00012=]");
    ScanOptions filter = new ScanOptions();
    filter.sortKeyFilterType = FilterType.FT_MATCH_POSTFIX;
    filter.sortKeyFilterPattern = b("0042");
    check(
        phase + "/getScanner-filter",
        () -> drain(client.getScanner(ROWS_TABLE, b("scan"), null, null, filter)),
        "[scan/r00042=v42]");
    ScanOptions hashFilter = new ScanOptions();
    hashFilter.hashKeyFilterType = FilterType.FT_MATCH_PREFIX;
    hashFilter.hashKeyFilterPattern = b("row-1049");
    check(
        phase + "/getUnorderedScanners-filter",
        () -> {
          int count = 0;
          for (PegasusScannerInterface one :
              client.getUnorderedScanners(ROWS_TABLE, 2, hashFilter)) {
            count += drain(one).size();
          }
          return count;
        },
        10);
    PegasusScannerInterface left =
        client.getScanner(ROWS_TABLE, b("scan"), null, null, new ScanOptions());
    left.next();
    left.close();
    for (int split : new int[] {1, 3, 100}) {
      check(phase + "/getUnorderedScanners-" + split, () -> scanAll(split), ROWS);
    }
  }

  private static <T> T insist(Operation<T> operation) throws Exception {
    for (int attempt = 1; ; attempt++) {
      try {
        return operation.run();
      } catch (PException problem) {
        if (attempt == ATTEMPTS_MAX) throw problem;
        Thread.sleep(250);
      }
    }
  }

  private int readAll() throws Exception {
    int count = 0;
    for (int number = 0; number < 150; number++) {
      byte[] key = b("java-failover-" + number);
      if (("v" + number).equals(insist(() -> s(client.get(TABLE, key, b("s")))))) count++;
    }
    return count;
  }

  private int write(int first, int last) throws Exception {
    for (int number = first; number < last; number++) {
      byte[] key = b("java-failover-" + number);
      byte[] value = b("v" + number);
      insist(
          () -> {
            client.set(TABLE, key, b("s"), value);
            return null;
          });
    }
    return last - first;
  }

  private void failover() throws Exception {
    write(0, 50);
    ask("kill");
    check("during/writes", () -> write(50, 150), 100);
    check("during/reads", this::readAll, 150);
    check("during/scan", () -> insist(() -> scanAll(1)), ROWS);
    ask("start");
    check("after/reads", this::readAll, 150);
  }

  /** A secondary that is asked too may know a write a little later. */
  private void tableOptions() throws Exception {
    PegasusClientInterface another = PegasusClientFactory.createClient(options(meta));
    TableOptions options = new TableOptions().withCompression(true).withBackupRequestDelayMs(1);
    PegasusTableInterface table = another.openTable(TABLE, options);
    byte[] value = b("compressible ".repeat(1_000));
    table.set(b("java-options"), b("s"), value, 5_000);
    check(
        "compression-and-backup-requests",
        () -> {
          int count = 0;
          for (int attempt = 0; attempt < 1_000 && count < 200; attempt++) {
            byte[] found = table.get(b("java-options"), b("s"), 5_000);
            if (found == null) continue;
            if (!Arrays.equals(found, value)) return "another value";
            count++;
          }
          return count;
        },
        200);
    check("compressed", () -> client.get(TABLE, b("java-options"), b("s")).length < 500, true);
    another.close();
  }

  private void administration() throws Exception {
    PegasusAdminClientInterface admin = PegasusAdminClientFactory.createClient(options(meta));
    admin.createApp("java_admin", 8, 3, Map.of(), 60_000);
    check("admin/createApp", () -> admin.isAppHealthy("java_admin", 3), true);
    check(
        "admin/createApp-again",
        () -> {
          admin.createApp("java_admin", 8, 3, Map.of(), 60_000, true);
          return "well";
        },
        "well");
    check("admin/listApps", () -> isListed(admin, ListAppInfoType.LT_AVAILABLE_APPS), true);
    admin.dropApp("java_admin", 3600);
    check("admin/dropApp", () -> isListed(admin, ListAppInfoType.LT_AVAILABLE_APPS), false);
    check("admin/dropApp-stays-listed", () -> isListed(admin, ListAppInfoType.LT_ALL_APPS), true);
    admin.close();
  }

  private static boolean isListed(PegasusAdminClientInterface admin, ListAppInfoType type)
      throws PException {
    return admin.listApps(type).stream().anyMatch((one) -> one.app_name.startsWith("java_admin"));
  }

  private static String opening(PegasusClientInterface client, String table) {
    try {
      client.openTable(table);
      return "opened";
    } catch (PException problem) {
      return problem.getMessage().contains("No such table") ? "no such table" : problem.toString();
    }
  }

  private void absentTables() throws Exception {
    check("missing-table", () -> opening(client, "missing"), "no such table");
    client.set("doomed", b("h"), b("s"), b("v"));
    check("doomed-table", () -> s(client.get("doomed", b("h"), b("s"))), "v");
    ask("drop");
    check(
        "dropped-table",
        () -> {
          try {
            client.get("doomed", b("h"), b("s"));
            return "answered";
          } catch (PException problem) {
            return "refused";
          }
        },
        "refused");
    PegasusClientInterface another = PegasusClientFactory.createClient(options(meta));
    check("dropped-table-again", () -> opening(another, "doomed"), "no such table");
    another.close();
  }
}
