package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	fleetClients     = 5_000
	fleetFirst       = 100045 // as in the simulator
	fleetLatency     = 200 * time.Millisecond
	fleetConcurrency = 50
	// Long enough for a shard of three on a busy machine: 1,700 clients, 50 at a time, take 7 s. The answer goes out 5 s earlier.
	fleetInterval = 15 * time.Second
)

// A shardFleet is several exporters that share the clients of one configuration, and a Prometheus that scrapes all clients of
// each, and probes every tenth client.
type shardFleet struct {
	stack
	shards map[string]*process // by address
}

// startShardFleet starts the API, and a Prometheus that probes those of the addresses at which there is an exporter.
func startShardFleet(t *testing.T, addresses ...string) *shardFleet {
	t.Helper()
	f := &shardFleet{stack: stack{dir: t.TempDir(), prometheusAt: freePort(t)}, shards: map[string]*process{}}
	// 1,000 more than are configured at first.
	f.api = startSimulator(t, "-clients", strconv.Itoa(fleetClients+1000), "-latency", fleetLatency.String(), "-dir", f.dir)
	f.write(t, "igsend.yml", fmt.Sprintf("api:\n  endpoint: %s\n  public_key_file: public.key\n  private_key_file: private.key\n  concurrency: %d\nclients_from: clients.d/*.yml\n",
		f.api.endpoint, fleetConcurrency))
	var lists []any
	for _, address := range addresses {
		lists = append(lists, map[string]any{"url": "http://" + address + "/sd", "refresh_interval": "5s"})
	}
	f.write(t, "prometheus.yml", render(t, map[string]any{
		"global": map[string]any{"scrape_interval": fleetInterval.String(), "scrape_timeout": fleetInterval.String()},
		"scrape_configs": []any{
			map[string]any{"job_name": "all", "file_sd_configs": []any{map[string]any{"files": []string{"targets.json"}, "refresh_interval": "1s"}}},
			map[string]any{
				"job_name": "probes", "http_sd_configs": lists, "keep_dropped_targets": 1,
				"relabel_configs": []any{
					map[string]any{"source_labels": []string{"__meta_igsend_client_id"}, "regex": ".*5", "action": "keep"},
					// While two shards have the same client.
					map[string]any{"source_labels": []string{"__address__", "__param_client_id"}, "separator": "/", "target_label": "instance"},
				},
			},
		},
	}))
	f.target(t)
	f.prometheus = start(t, "prometheus", "--config.file="+filepath.Join(f.dir, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(f.dir, "data"), "--web.listen-address="+f.prometheusAt)
	return f
}

// configure writes clients into files, and returns their IDs.
func (f *shardFleet) configure(t *testing.T, files ...[2]int) []string {
	t.Helper()
	var ids []string
	for n, file := range files {
		var text strings.Builder
		text.WriteString("clients:\n")
		for i := file[0]; i < file[1]; i++ {
			id := strconv.Itoa(fleetFirst + i)
			ids = append(ids, id)
			fmt.Fprintf(&text, "- id: %s\n  name: Payroll %d\n  thresholds: {GBP: {warning: 50000}}\n", id, i)
		}
		f.write(t, fmt.Sprintf("clients.d/%d.yml", n), text.String())
	}
	slices.Sort(ids)
	return ids
}

// startShards starts a whole fleet at these addresses.
func (f *shardFleet) startShards(t *testing.T, addresses []string) {
	t.Helper()
	for i, address := range addresses {
		f.shards[address] = start(t, "igsend_exporter", "--config.file="+filepath.Join(f.dir, "igsend.yml"), "--web.listen-address="+address, "--scrape.timeout-offset=5s",
			fmt.Sprintf("--shard=igsend-exporter-%d", i), fmt.Sprintf("--total-shards=%d", len(addresses)))
	}
	for _, address := range addresses {
		eventually(t, "the exporter at "+address+" is ready", func() error {
			_, err := get(t.Context(), "http://"+address+"/-/ready")
			return err
		})
	}
}

// target lets Prometheus scrape all clients of the exporters at these addresses, and of no others.
func (f *shardFleet) target(t *testing.T, addresses ...string) {
	t.Helper()
	content, err := json.Marshal([]map[string]any{{"targets": append([]string{}, addresses...)}})
	if err != nil {
		t.Fatal(err)
	}
	f.write(t, "targets.json", string(content))
}

// awaitOnce waits until Prometheus has a good answer for each of the clients from exactly one exporter, and no other clients.
func (f *shardFleet) awaitOnce(t *testing.T, all []string) {
	t.Helper()
	probed := slices.DeleteFunc(slices.Clone(all), func(id string) bool { return !strings.HasSuffix(id, "5") })
	eventually(t, fmt.Sprintf("each of %d clients is there once", len(all)), func() error {
		for selector, want := range map[string][]string{
			`igsend_client_up{job="all"}`:                    all,
			`igsend_client_up{job="all"} == 1`:               all,
			`igsend_client_balance{job="all"} == 1400000`:    all,
			`igsend_client_up{job="probes"}`:                 probed,
			`igsend_client_up{job="probes"} == 1`:            probed,
			`igsend_client_balance{job="probes"} == 1400000`: probed,
		} {
			found, err := f.query(t, selector)
			if err != nil {
				return err
			}
			var ids []string
			for _, labels := range found {
				ids = append(ids, labels["client_id"])
			}
			if slices.Sort(ids); !slices.Equal(want, ids) {
				return fmt.Errorf("%s: %d series, want %d", selector, len(ids), len(want))
			}
		}
		return nil
	})
}

// leastClients returns the smallest number of different clients that a job knew at any second since begin. Seconds after a
// scrape that failed don't count: on a busy machine, Prometheus may have no time to read an answer.
func (f *shardFleet) leastClients(t *testing.T, job string, begin time.Time) int {
	t.Helper()
	parameters := url.Values{
		"query": {fmt.Sprintf("count(count by (client_id) (igsend_client_up{job=%[1]q})) unless on () up{job=%[1]q} == 0", job)}, "step": {"1"},
		"start": {fmt.Sprint(begin.Unix())}, "end": {fmt.Sprint(time.Now().Unix())},
	}
	body, err := get(t.Context(), "http://"+f.prometheusAt+"/api/v1/query_range?"+parameters.Encode())
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Data struct {
			Result []struct{ Values [][2]any }
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil || len(answer.Data.Result) != 1 {
		t.Fatalf("%v: %s", err, body)
	}
	least := -1
	for _, value := range answer.Data.Result[0].Values {
		n, err := strconv.Atoi(value[1].(string))
		if err != nil {
			t.Fatal(err)
		}
		if least < 0 || n < least {
			least = n
		}
	}
	return least
}

// Every client is there once, by scrapes of all clients and by probes, and none is missing at any time: at the start, through a reload that moves clients from one
// file to the other, and through a change from three shards to four.
func TestFleet(t *testing.T) {
	three, four := []string{freePort(t), freePort(t), freePort(t)}, []string{freePort(t), freePort(t), freePort(t), freePort(t)}
	f := startShardFleet(t, append(four, three...)...)
	clients := f.configure(t, [2]int{0, 2500}, [2]int{2500, fleetClients})
	f.startShards(t, three)
	f.target(t, three...)
	f.awaitOnce(t, clients)
	begin := time.Now()

	clients = f.configure(t, [2]int{2000, fleetClients + 500}, [2]int{0, 2000})
	for _, address := range three {
		resp, err := http.Post("http://"+address+"/-/reload", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("reload: %s", resp.Status)
		}
	}
	f.awaitOnce(t, clients)

	// The new fleet begins before the old one ends.
	f.startShards(t, four)
	f.target(t, append(four, three...)...)
	eventually(t, "all shards of both fleets are scraped, and all clients probed at both", func() error {
		for selector, want := range map[string]int{"igsend_exporter_shard_info": 7, `igsend_client_up{job="probes"}`: 2 * len(clients) / 10} {
			found, err := f.query(t, selector)
			if err != nil {
				return err
			}
			if len(found) != want {
				return fmt.Errorf("%s: %d series, want %d", selector, len(found), want)
			}
		}
		return nil
	})
	f.target(t, four...)
	for _, address := range three {
		f.shards[address].stop(t)
	}
	f.awaitOnce(t, clients)
	for job, want := range map[string]int{"all": fleetClients, "probes": fleetClients / 10} {
		if least := f.leastClients(t, job, begin); least < want {
			t.Errorf("at one time Prometheus knew only %d clients of the job %s, want at least %d", least, job, want)
		}
	}

	found, err := f.query(t, "igsend_exporter_shard_info")
	if err != nil {
		t.Fatal(err)
	}
	var shards []string
	for _, labels := range found {
		shards = append(shards, labels["shard"]+" of "+labels["total_shards"])
	}
	slices.Sort(shards)
	if diff := cmp.Diff([]string{"0 of 4", "1 of 4", "2 of 4", "3 of 4"}, shards); diff != "" {
		t.Errorf("shards (-want +got):\n%s", diff)
	}
}
