// All operations of the official Go client on a live cluster, one JSON line per check.
//
//	program META
//
// What the test has to do to the cluster meanwhile is asked for with a line {"do": ...}; it is done
// when a line comes in.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/apache/incubator-pegasus/go-client/admin"
	"github.com/apache/incubator-pegasus/go-client/config"
	idladmin "github.com/apache/incubator-pegasus/go-client/idl/admin"
	"github.com/apache/incubator-pegasus/go-client/idl/base"
	"github.com/apache/incubator-pegasus/go-client/idl/radmin"
	"github.com/apache/incubator-pegasus/go-client/idl/replication"
	"github.com/apache/incubator-pegasus/go-client/pegasus"
	"github.com/apache/incubator-pegasus/go-client/session"
)

const (
	rows        = 10500
	attemptsMax = 240
	timeout     = 4 * time.Second
)

var input = bufio.NewReader(os.Stdin)

func tell(line map[string]any) {
	text, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(text))
}

func check(name string, actual any, expected any) {
	detail := ""
	passed := reflect.DeepEqual(actual, expected)
	if !passed {
		detail = fmt.Sprintf("%.300v is not %.300v", actual, expected)
	}
	tell(map[string]any{"check": name, "ok": passed, "detail": detail})
}

func ask(what string) {
	tell(map[string]any{"do": what})
	if _, err := input.ReadString('\n'); err != nil {
		panic(err)
	}
}

// Under the limit above which this client tells servers a wrong timeout.
func within() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	time.AfterFunc(2*timeout, cancel)
	return ctx
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func insist(operation func() error) error {
	var err error
	for attempt := 0; attempt < attemptsMax; attempt++ {
		if err = operation(); err == nil {
			return nil
		}
		time.Sleep(250 * time.Millisecond)
	}
	return err
}

func b(text string) []byte { return []byte(text) }

func single(table pegasus.TableConnector, phase string) {
	name := func(what string) string { return phase + "/" + what }
	key := b("go-" + phase)
	check(name("Set"), table.Set(within(), key, b("s"), b("value")), nil)
	value, err := table.Get(within(), key, b("s"))
	check(name("Get"), []any{value, err}, []any{b("value"), nil})
	value, err = table.Get(within(), key, b("absent"))
	check(name("Get-missing"), []any{value == nil, err}, []any{true, nil})
	exists, err := table.Exist(within(), key, b("s"))
	check(name("Exist"), []any{exists, err}, []any{true, nil})
	exists, err = table.Exist(within(), key, b("absent"))
	check(name("Exist-missing"), []any{exists, err}, []any{false, nil})
	ttl, err := table.TTL(within(), key, b("s"))
	check(name("TTL-none"), []any{ttl, err}, []any{-1, nil})
	ttl, err = table.TTL(within(), key, b("absent"))
	check(name("TTL-missing"), []any{ttl, err}, []any{-2, nil})
	must(table.SetTTL(within(), key, b("ttl"), b("v"), 100*time.Second))
	ttl, err = table.TTL(within(), key, b("ttl"))
	check(name("SetTTL"), []any{ttl >= 95 && ttl <= 100, err}, []any{true, nil})
	must(table.SetTTL(within(), key, b("brief"), b("v"), time.Second))
	time.Sleep(2100 * time.Millisecond)
	value, err = table.Get(within(), key, b("brief"))
	check(name("SetTTL-expires"), []any{value == nil, err}, []any{true, nil})
	check(name("Del"), table.Del(within(), key, b("s")), nil)
	exists, err = table.Exist(within(), key, b("s"))
	check(name("Del-shows"), []any{exists, err}, []any{false, nil})
	binary := make([]byte, 256)
	for index := range binary {
		binary[index] = byte(index)
	}
	binaryKey := append(append([]byte{}, key...), binary...)
	must(table.Set(within(), binaryKey, binary, binary))
	value, err = table.Get(within(), binaryKey, binary)
	check(name("binary"), []any{value, err}, []any{binary, nil})
	must(table.Set(within(), key, b(""), b("")))
	value, err = table.Get(within(), key, b(""))
	check(name("empty-sort-key-and-value"), []any{len(value), value != nil, err}, []any{0, true, nil})
	check(name("empty-hash-key-is-refused"), table.Set(within(), b(""), b("s"), b("v")) != nil, true)
	large := bytes.Repeat(b("x"), 500_000)
	must(table.Set(within(), key, b("large"), large))
	value, err = table.Get(within(), key, b("large"))
	check(name("large-value"), []any{bytes.Equal(value, large), err}, []any{true, nil})
}

func texts(found []*pegasus.KeyValue) string {
	words := make([]string, 0, len(found))
	for _, row := range found {
		words = append(words, string(row.SortKey)+"="+string(row.Value))
	}
	return strings.Join(words, " ")
}

func sortKeys(count int) (keys [][]byte, values [][]byte) {
	for index := 0; index < count; index++ {
		keys = append(keys, b(fmt.Sprintf("k%02d", index)))
		values = append(values, b(fmt.Sprintf("v%d", index)))
	}
	return keys, values
}

func multi(table pegasus.TableConnector, phase string) {
	name := func(what string) string { return phase + "/" + what }
	key := b("go-multi-" + phase)
	keys, values := sortKeys(20)
	check(name("MultiSet"), table.MultiSet(within(), key, keys, values), nil)
	found, all, err := table.MultiGet(within(), key, [][]byte{b("k03"), b("k07"), b("absent")})
	check(name("MultiGet"), []any{texts(found), all, err}, []any{"k03=v3 k07=v7", true, nil})
	found, all, err = table.MultiGet(within(), key, nil)
	check(name("MultiGet-all"), []any{len(found), all, err}, []any{20, true, nil})
	options := *pegasus.DefaultMultiGetOptions
	options.MaxFetchCount = 4
	found, all, err = table.MultiGetOpt(within(), key, nil, &options)
	check(name("MultiGetOpt-count"), []any{len(found), all, err}, []any{4, false, nil})
	options = *pegasus.DefaultMultiGetOptions
	options.MaxFetchSize = len("v0")
	found, all, err = table.MultiGetOpt(within(), key, nil, &options)
	check(name("MultiGetOpt-size"), []any{texts(found), all, err}, []any{"k00=v0", false, nil})
	found, all, err = table.MultiGetRange(within(), key, b("k02"), b("k04"))
	check(name("MultiGetRange"), []any{texts(found), all, err}, []any{"k02=v2 k03=v3", true, nil})
	options = *pegasus.DefaultMultiGetOptions
	options.StartInclusive = false
	options.StopInclusive = true
	options.NoValue = true
	found, all, err = table.MultiGetRangeOpt(within(), key, b("k02"), b("k04"), &options)
	check(name("MultiGetRangeOpt"), []any{texts(found), all, err}, []any{"k03= k04=", true, nil})
	options = *pegasus.DefaultMultiGetOptions
	options.Reverse = true
	options.MaxFetchCount = 1
	found, all, err = table.MultiGetRangeOpt(within(), key, nil, nil, &options)
	check(name("MultiGetRangeOpt-reverse"), []any{texts(found), all, err}, []any{"k19=v19", false, nil})
	options = *pegasus.DefaultMultiGetOptions
	options.SortKeyFilter = pegasus.Filter{Type: pegasus.FilterTypeMatchPostfix, Pattern: b("5")}
	found, all, err = table.MultiGetRangeOpt(within(), key, nil, nil, &options)
	check(name("MultiGetRangeOpt-filter"), []any{texts(found), all, err}, []any{"k05=v5 k15=v15", true, nil})
	count, err := table.SortKeyCount(within(), key)
	check(name("SortKeyCount"), []any{count, err}, []any{int64(20), nil})
	must(table.MultiSetOpt(within(), b("go-multi-ttl-"+phase), keys, values, 100*time.Second))
	ttl, err := table.TTL(within(), b("go-multi-ttl-"+phase), b("k19"))
	check(name("MultiSetOpt-ttl"), []any{ttl >= 95 && ttl <= 100, err}, []any{true, nil})
	check(name("MultiDel"), table.MultiDel(within(), key, keys[:2]), nil)
	check(name("DelRange"), table.DelRange(within(), key, b("k02"), b("k05")), nil)
	deletion := *pegasus.DefaultDelRangeOptions
	deletion.StopInclusive = true
	check(name("DelRangeOpt"), table.DelRangeOpt(within(), key, b("k18"), b("k19"), &deletion), nil)
	count, err = table.SortKeyCount(within(), key)
	check(name("deletions-show"), []any{count, err}, []any{int64(13), nil})
	batch := []pegasus.CompositeKey{
		{HashKey: key, SortKey: b("k10")}, {HashKey: b("go-none"), SortKey: b("s")},
		{HashKey: b("go-multi-ttl-" + phase), SortKey: b("k00")},
	}
	got, err := table.BatchGet(within(), batch)
	check(name("BatchGet"), []any{got, err}, []any{[][]byte{b("v10"), nil, b("v0")}, nil})
}

func atomics(table pegasus.TableConnector, phase string) {
	name := func(what string) string { return phase + "/" + what }
	key := b("go-atomic-" + phase)
	number, err := table.Incr(within(), key, b("n"), 5)
	check(name("Incr"), []any{number, err}, []any{int64(5), nil})
	number, err = table.Incr(within(), key, b("n"), -7)
	check(name("Incr-again"), []any{number, err}, []any{int64(-2), nil})
	must(table.Set(within(), key, b("text"), b("no number")))
	_, err = table.Incr(within(), key, b("text"), 1)
	check(name("Incr-of-text-fails"), err != nil, true)
	options := &pegasus.CheckAndSetOptions{ReturnCheckValue: true}
	cas := func(kind pegasus.CheckType, operand string, value string) []any {
		result, err := table.CheckAndSet(within(), key, b("c"), kind, b(operand), b("c"), b(value), options)
		if err != nil {
			return []any{err}
		}
		return []any{result.SetSucceed, result.CheckValueExist, string(result.CheckValue)}
	}
	check(name("CheckAndSet-not-exist"), cas(pegasus.CheckTypeValueNotExist, "", "one"), []any{true, false, ""})
	check(name("CheckAndSet-fails"), cas(pegasus.CheckTypeValueNotExist, "", "x"), []any{false, true, "one"})
	check(name("CheckAndSet-equal"), cas(pegasus.CheckTypeBytesEqual, "one", "12"), []any{true, true, "one"})
	check(name("CheckAndSet-int"), cas(pegasus.CheckTypeIntLess, "13", "aXb"), []any{true, true, "12"})
	check(name("CheckAndSet-match"), cas(pegasus.CheckTypeMatchAnywhere, "X", ""), []any{true, true, "aXb"})
	check(name("CheckAndSet-empty"), cas(pegasus.CheckTypeValueNotExistOrEmpty, "", "end"), []any{true, true, ""})
	other, err := table.CheckAndSet(within(), key, b("c"), pegasus.CheckTypeValueExist, nil, b("d"), b("e"),
		&pegasus.CheckAndSetOptions{SetValueTTLSeconds: 100})
	must(err)
	ttl, err := table.TTL(within(), key, b("d"))
	check(name("CheckAndSet-ttl-of-other"),
		[]any{other.SetSucceed, other.CheckValueReturned, ttl >= 95 && ttl <= 100, err}, []any{true, false, true, nil})
}

func fill(table pegasus.TableConnector) {
	for start := 0; start < rows/2; start += 250 {
		var keys, values [][]byte
		for index := start; index < start+250; index++ {
			keys = append(keys, b(fmt.Sprintf("r%05d", index)))
			values = append(values, b(fmt.Sprintf("v%d", index)))
		}
		must(table.MultiSet(within(), b("scan"), keys, values))
	}
	failures := make(chan error, 50)
	for lane := 0; lane < 50; lane++ {
		go func(lane int) {
			var err error
			for index := rows/2 + lane; index < rows && err == nil; index += 50 {
				err = table.Set(within(), b(fmt.Sprintf("row-%05d", index)), b("s"), b(fmt.Sprintf("v%d", index)))
			}
			failures <- err
		}(lane)
	}
	for lane := 0; lane < 50; lane++ {
		must(<-failures)
	}
}

func drain(scanner pegasus.Scanner) ([]string, error) {
	var found []string
	for {
		completed, hashKey, sortKey, value, err := scanner.Next(within())
		if err != nil {
			return found, err
		}
		if completed {
			return found, scanner.Close()
		}
		found = append(found, string(hashKey)+"/"+string(sortKey)+"="+string(value))
	}
}

func scanAll(table pegasus.TableConnector, split int) (int, error) {
	scanners, err := table.GetUnorderedScanners(within(), split, pegasus.NewScanOptions())
	if err != nil {
		return 0, err
	}
	seen := map[string]bool{}
	for _, scanner := range scanners {
		found, err := drain(scanner)
		if err != nil {
			return 0, err
		}
		for _, row := range found {
			seen[row] = true
		}
	}
	return len(seen), nil
}

func scans(table pegasus.TableConnector, phase string) {
	name := func(what string) string { return phase + "/" + what }
	options := pegasus.NewScanOptions()
	options.BatchSize = 100
	scanner, err := table.GetScanner(within(), b("scan"), nil, nil, options)
	must(err)
	found, err := drain(scanner)
	ordered := true
	for index, row := range found {
		ordered = ordered && row == fmt.Sprintf("scan/r%05d=v%d", index, index)
	}
	check(name("GetScanner"), []any{len(found), ordered, err}, []any{rows / 2, true, nil})
	options = pegasus.NewScanOptions()
	options.StartInclusive = false
	options.StopInclusive = true
	options.NoValue = true
	scanner, err = table.GetScanner(within(), b("scan"), b("r00010"), b("r00012"), options)
	must(err)
	found, err = drain(scanner)
	check(name("GetScanner-bounds"), []any{found, err}, []any{[]string{"scan/r00011=", "scan/r00012="}, nil})
	options = pegasus.NewScanOptions()
	options.SortKeyFilter = pegasus.Filter{Type: pegasus.FilterTypeMatchPostfix, Pattern: b("0042")}
	scanner, err = table.GetScanner(within(), b("scan"), nil, nil, options)
	must(err)
	found, err = drain(scanner)
	check(name("GetScanner-filter"), []any{found, err}, []any{[]string{"scan/r00042=v42"}, nil})
	options = pegasus.NewScanOptions()
	options.BatchSize = 10
	scanner, err = table.GetScanner(within(), b("scan"), nil, nil, options)
	must(err)
	_, _, _, _, err = scanner.Next(within())
	must(err)
	// No server answers it, and this client calls that an error; the connection has to live on.
	_ = scanner.Close()
	count, err := table.SortKeyCount(within(), b("scan"))
	check(name("Scanner-Close"), []any{count, err}, []any{int64(rows / 2), nil})
	for _, split := range []int{1, 3, 100} {
		count, err := scanAll(table, split)
		check(name(fmt.Sprintf("GetUnorderedScanners-%d", split)), []any{count, err}, []any{rows, nil})
	}
}

func failover(table pegasus.TableConnector, rowsTable pegasus.TableConnector) {
	key := func(number int) []byte { return b(fmt.Sprintf("go-failover-%d", number)) }
	write := func(number int) error {
		return insist(func() error { return table.Set(within(), key(number), b("s"), b(fmt.Sprintf("v%d", number))) })
	}
	readAll := func() int {
		count := 0
		for number := 0; number < 150; number++ {
			var value []byte
			err := insist(func() (err error) {
				value, err = table.Get(within(), key(number), b("s"))
				return err
			})
			if err == nil && string(value) == fmt.Sprintf("v%d", number) {
				count++
			}
		}
		return count
	}
	for number := 0; number < 50; number++ {
		must(write(number))
	}
	ask("kill")
	var failures []error
	for number := 50; number < 150; number++ {
		if err := write(number); err != nil {
			failures = append(failures, err)
		}
	}
	check("during/writes", failures, []error(nil))
	check("during/reads", readAll(), 150)
	count := 0
	err := insist(func() (err error) {
		count, err = scanAll(rowsTable, 1)
		return err
	})
	check("during/scan", []any{count, err}, []any{rows, nil})
	ask("start")
	check("after/reads", readAll(), 150)
}

func absentTables(client pegasus.Client, meta string) {
	_, err := client.OpenTable(within(), "missing")
	check("missing-table", err != nil && strings.Contains(err.Error(), "ERR_OBJECT_NOT_FOUND"), true)
	doomed, err := client.OpenTable(within(), "doomed")
	must(err)
	check("doomed-table", doomed.Set(within(), b("h"), b("s"), b("v")), nil)
	ask("drop")
	check("dropped-table", doomed.Set(within(), b("h"), b("s"), b("v")) != nil, true)
	another := pegasus.NewClient(*config.NewConfig([]string{meta}))
	_, err = another.OpenTable(within(), "doomed")
	check("dropped-table-again", err != nil && strings.Contains(err.Error(), "ERR_OBJECT_NOT_FOUND"), true)
	must(another.Close())
}

// This client tells of a lead that has moved instead of trying again, so nothing is balanced meanwhile.
func holdStill(meta string) {
	manager := session.NewMetaManager([]string{meta}, session.NewNodeSession)
	_, err := manager.MetaControl(within(), &idladmin.ConfigurationMetaControlRequest{
		Level: idladmin.MetaFunctionLevel_fl_steady,
	})
	must(err)
	must(manager.Close())
}

func administration(meta string) {
	client := admin.NewClient(admin.Config{MetaServers: []string{meta}, Timeout: 20 * time.Second})
	id, err := client.CreateTable("go_admin", 8, 3, map[string]string{}, 60)
	check("admin/CreateTable", []any{id > 0, err}, []any{true, nil})
	again, err := client.CreateTable("go_admin", 8, 3, map[string]string{}, 60, true)
	check("admin/CreateTable-again", []any{again, err}, []any{id, nil})
	asked, count, partitions, err := client.QueryConfig("go_admin")
	complete := true
	for _, one := range partitions {
		complete = complete && one.HpPrimary != nil && one.HpPrimary.GetHost() == "127.0.0.1" &&
			one.HpPrimary.GetPort() > 0 && len(one.HpSecondaries) == 2 && len(one.Secondaries) == 2
	}
	check("admin/QueryConfig", []any{asked == id, count, len(partitions), complete, err},
		[]any{true, int32(8), 8, true, nil})
	listed := func() bool {
		tables, err := client.ListTables()
		must(err)
		for _, one := range tables {
			if one.AppName == "go_admin" {
				return true
			}
		}
		return false
	}
	check("admin/ListTables", listed(), true)
	nodes, err := client.ListNodes()
	check("admin/ListNodes", []any{len(nodes), err}, []any{3, nil})
	check("admin/DropTable", client.DropTable("go_admin", 60), nil)
	check("admin/DropTable-shows", listed(), false)
	text, err := admin.NewRemoteCmdClient(meta, session.NodeTypeMeta).Call(within(), "help", []string{})
	check("admin/remote-command-of-meta", []any{text != "", err}, []any{true, nil})
	replica := nodes[0].HpNode
	address := fmt.Sprintf("%s:%d", replica.GetHost(), replica.GetPort())
	text, err = admin.NewRemoteCmdClient(address, session.NodeTypeReplica).Call(within(), "server-info", []string{})
	check("admin/remote-command-of-replica", []any{strings.Contains(text, "version"), err}, []any{true, nil})
	must(client.Close())
	manager := session.NewMetaManager([]string{meta}, session.NewNodeSession)
	tableLife(manager)
	nodesAndLevels(manager)
	remoteCommands(meta, address)
	disks(address)
	must(manager.Close())
}

// A table from its creation through its settings to a recall, with the sessions that admin-cli uses.
func tableLife(meta *session.MetaManager) {
	created, err := meta.CreateApp(within(), &idladmin.ConfigurationCreateAppRequest{
		AppName: "go_life",
		Options: &idladmin.CreateAppOptions{
			PartitionCount: 4, ReplicaCount: 3, AppType: "pegasus", IsStateful: true,
			Envs: map[string]string{"business.info": "go"},
		},
	})
	must(err)
	id := created.Appid
	find := func(status replication.AppStatus) *replication.AppInfo {
		listed, err := meta.ListApps(within(), &idladmin.ConfigurationListAppsRequest{Status: status})
		must(err)
		for _, one := range listed.Infos {
			if one.AppID == id {
				return one
			}
		}
		return nil
	}
	info := find(replication.AppStatus_AS_AVAILABLE)
	check("admin/life-created", []any{info.AppName, info.PartitionCount, info.MaxReplicaCount, info.Envs},
		[]any{"go_life", int32(4), int32(3), map[string]string{"business.info": "go"}})
	change := func(op idladmin.AppEnvOperation, keys []string, values []string, prefix string) error {
		_, err := meta.UpdateAppEnv(within(), &idladmin.ConfigurationUpdateAppEnvRequest{
			AppName: "go_life", Op: op, Keys: keys, Values: values, ClearPrefix: &prefix,
		})
		return err
	}
	err = change(idladmin.AppEnvOperation_APP_ENV_OP_SET, []string{"default_ttl", "replica.slow_query_threshold"},
		[]string{"1000", "50"}, "")
	check("admin/envs-set", []any{err, len(find(replication.AppStatus_AS_AVAILABLE).Envs)}, []any{nil, 3})
	err = change(idladmin.AppEnvOperation_APP_ENV_OP_SET, []string{"default_ttl"}, []string{"soon"}, "")
	check("admin/envs-wrong-value", err != nil && strings.Contains(err.Error(), "ERR_INVALID_PARAMETERS"), true)
	err = change(idladmin.AppEnvOperation_APP_ENV_OP_DEL, []string{"default_ttl"}, nil, "")
	_, there := find(replication.AppStatus_AS_AVAILABLE).Envs["default_ttl"]
	check("admin/envs-del", []any{err, there}, []any{nil, false})
	err = change(idladmin.AppEnvOperation_APP_ENV_OP_CLEAR, nil, nil, "")
	check("admin/envs-clear", []any{err, len(find(replication.AppStatus_AS_AVAILABLE).Envs)}, []any{nil, 0})
	reserve := int64(3600)
	_, err = meta.DropApp(within(), &idladmin.ConfigurationDropAppRequest{
		AppName: "go_life", Options: &idladmin.DropAppOptions{ReserveSeconds: &reserve},
	})
	dropped := find(replication.AppStatus_AS_DROPPED)
	check("admin/life-dropped", []any{err, dropped != nil && dropped.ExpireSecond-dropped.DropSecond == 3600,
		find(replication.AppStatus_AS_AVAILABLE) == nil}, []any{nil, true, true})
	recalled, err := meta.RecallApp(within(), &idladmin.ConfigurationRecallAppRequest{AppID: id, NewAppName_: "go_life_2"})
	check("admin/life-recalled", []any{err, recalled.GetInfo().AppName, find(replication.AppStatus_AS_DROPPED) == nil},
		[]any{nil, "go_life_2", true})
	_, err = meta.DropApp(within(), &idladmin.ConfigurationDropAppRequest{
		AppName: "go_life_2", Options: &idladmin.DropAppOptions{},
	})
	must(err)
	_, err = meta.DropApp(within(), &idladmin.ConfigurationDropAppRequest{
		AppName: "go_life_2", Options: &idladmin.DropAppOptions{},
	})
	check("admin/life-dropped-again", err != nil && strings.Contains(err.Error(), "ERR_APP_NOT_EXIST"), true)
}

func nodesAndLevels(meta *session.MetaManager) {
	count := func(status idladmin.NodeStatus) int {
		listed, err := meta.ListNodes(within(), &idladmin.ConfigurationListNodesRequest{Status: status})
		must(err)
		for _, one := range listed.Infos {
			if one.Node == nil || one.HpNode == nil {
				panic("a node has no address")
			}
		}
		return len(listed.Infos)
	}
	check("admin/nodes-by-status", []int{
		count(idladmin.NodeStatus_NS_INVALID), count(idladmin.NodeStatus_NS_ALIVE), count(idladmin.NodeStatus_NS_UNALIVE),
	}, []int{3, 3, 0})
	info, err := meta.QueryClusterInfo(within(), &idladmin.ConfigurationClusterInfoRequest{})
	must(err)
	facts := map[string]string{}
	for index, key := range info.Keys {
		facts[key] = info.Values[index]
	}
	check("admin/cluster-info", []any{facts["cluster_name"], len(info.Keys), facts["primary_meta_server"] != ""},
		[]any{"onebox", 9, true})
	level := func(wanted idladmin.MetaFunctionLevel) idladmin.MetaFunctionLevel {
		answer, err := meta.MetaControl(within(), &idladmin.ConfigurationMetaControlRequest{Level: wanted})
		must(err)
		return answer.OldLevel
	}
	before := level(idladmin.MetaFunctionLevel_fl_invalid)
	check("admin/level-asked", level(idladmin.MetaFunctionLevel_fl_freezed), before)
	_, err = meta.CreateApp(within(), &idladmin.ConfigurationCreateAppRequest{
		AppName: "go_frozen",
		Options: &idladmin.CreateAppOptions{
			PartitionCount: 4, ReplicaCount: 3, AppType: "pegasus", IsStateful: true, Envs: map[string]string{},
		},
	})
	check("admin/level-freezed", err != nil && strings.Contains(err.Error(), "ERR_STATE_FREEZED"), true)
	check("admin/level-set-back", level(before), idladmin.MetaFunctionLevel_fl_freezed)
}

func remoteCommands(meta string, replica string) {
	call := func(address string, kind session.NodeType, name string, args ...string) string {
		text, err := admin.NewRemoteCmdClient(address, kind).Call(within(), name, args)
		must(err)
		return text
	}
	list := "meta.lb.assign_secondary_black_list"
	check("admin/black-list", []string{
		call(meta, session.NodeTypeMeta, list, replica), call(meta, session.NodeTypeMeta, list),
		call(meta, session.NodeTypeMeta, list, "clear"),
	}, []string{"set ok", "get ok: " + replica, "clear ok"})
	check("admin/live-percentage",
		strings.Contains(call(meta, session.NodeTypeMeta, "meta.live_percentage"), "\"error\": \"ok\""), true)
	check("admin/query-progress",
		strings.Contains(call(replica, session.NodeTypeReplica, "replica.query-progress"), "last_committed_decree"), true)
	check("admin/unknown-command",
		strings.HasPrefix(call(replica, session.NodeTypeReplica, "no.such.command"), "unknown command"), true)
}

func disks(address string) {
	replica := session.NewReplicaManager(session.NewNodeSession).GetReplica(address)
	info, err := replica.QueryDiskInfo(within(), &radmin.QueryDiskInfoRequest{Node1: &base.RPCAddress{}})
	must(err)
	replicas := 0
	for _, disk := range info.DiskInfos {
		for _, table := range disk.HoldingPrimaryReplicas {
			replicas += len(table)
		}
		for _, table := range disk.HoldingSecondaryReplicas {
			replicas += len(table)
		}
	}
	check("admin/disk-info", []any{len(info.DiskInfos), info.TotalCapacityMb > 0, replicas >= 8}, []any{1, true, true})
	refused, err := replica.AddDisk(within(), &radmin.AddNewDiskRequest{DiskStr: "ssd1:/data"})
	told := fmt.Sprint(refused, err)
	check("admin/add-disk-is-refused", strings.Contains(told, "ERR_NOT_IMPLEMENTED"), true)
}

func main() {
	meta := os.Args[1]
	defer func() {
		if problem := recover(); problem != nil {
			tell(map[string]any{"crash": fmt.Sprint(problem)})
			os.Exit(1)
		}
	}()
	holdStill(meta)
	client := pegasus.NewClient(*config.NewConfig([]string{meta}))
	table, err := client.OpenTable(within(), "temp")
	must(err)
	rowsTable, err := client.OpenTable(within(), "rows")
	must(err)
	fill(rowsTable)
	for _, phase := range []string{"before", "after"} {
		single(table, phase)
		multi(table, phase)
		atomics(table, phase)
		scans(rowsTable, phase)
		if phase == "before" {
			failover(table, rowsTable)
		}
	}
	administration(meta)
	absentTables(client, meta)
	must(client.Close())
	tell(map[string]any{"end": true})
}
