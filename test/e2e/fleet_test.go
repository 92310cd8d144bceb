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
	fleetClients     = 10_000
	fleetFirst       = 100045 // as in the simulator
	fleetLatency     = 200 * time.Millisecond
	fleetConcurrency = 100
	// Long enough for a shard of three on a busy machine: 3,400 clients, 100 at a time, take 7 s.
	fleetInterval = 15 * time.Second
)

// A fleet is several exporters that share the clients of one configuration, and a Prometheus that finds them in a file.
type fleet struct {
	stack
	shards map[string]*process // by address
}

func startFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{stack: stack{dir: t.TempDir(), prometheusAt: freePort(t)}, shards: map[string]*process{}}
	// 1,000 more than are configured at first.
	f.api = startSimulator(t, "-clients", strconv.Itoa(fleetClients+1000), "-latency", fleetLatency.String(), "-dir", f.dir)
	f.write(t, "igsend.yml", fmt.Sprintf("api:\n  endpoint: %s\n  public_key_file: public.key\n  private_key_file: private.key\n  concurrency: %d\nclients_from: clients.d/*.yml\n",
		f.api.endpoint, fleetConcurrency))
	f.write(t, "prometheus.yml", fmt.Sprintf(`
global: {scrape_interval: %[1]s, scrape_timeout: %[1]s}
scrape_configs:
- job_name: igsend
  file_sd_configs: [{files: [targets.json], refresh_interval: 1s}]
`, fleetInterval))
	f.target(t)
	f.prometheus = start(t, "prometheus", "--config.file="+filepath.Join(f.dir, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(f.dir, "data"), "--web.listen-address="+f.prometheusAt)
	return f
}

// configure writes clients into files, and returns their IDs.
func (f *fleet) configure(t *testing.T, files ...[2]int) []string {
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

// startShards starts a whole fleet of n and returns its addresses.
func (f *fleet) startShards(t *testing.T, n int) []string {
	t.Helper()
	var addresses []string
	for i := range n {
		address := freePort(t)
		f.shards[address] = start(t, "igsend_exporter", "--config.file="+filepath.Join(f.dir, "igsend.yml"), "--web.listen-address="+address,
			fmt.Sprintf("--shard=igsend-exporter-%d", i), fmt.Sprintf("--total-shards=%d", n))
		addresses = append(addresses, address)
	}
	for _, address := range addresses {
		eventually(t, "the exporter at "+address+" is ready", func() error {
			_, err := get(t.Context(), "http://"+address+"/-/ready")
			return err
		})
	}
	return addresses
}

// target lets Prometheus scrape the exporters at these addresses, and no others.
func (f *fleet) target(t *testing.T, addresses ...string) {
	t.Helper()
	content, err := json.Marshal([]map[string]any{{"targets": append([]string{}, addresses...)}})
	if err != nil {
		t.Fatal(err)
	}
	f.write(t, "targets.json", string(content))
}

// awaitOnce waits until Prometheus has a good answer for each of the clients from exactly one exporter, and no other clients.
func (f *fleet) awaitOnce(t *testing.T, want []string) {
	t.Helper()
	eventually(t, fmt.Sprintf("each of %d clients is there once", len(want)), func() error {
		found, err := f.query(t, "igsend_client_up")
		if err != nil {
			return err
		}
		good, err := f.query(t, "igsend_client_balance{currency='GBP'} == 1400000")
		if err != nil {
			return err
		}
		for what, series := range map[string][]map[string]string{"all": found, "good answers": good} {
			var ids []string
			for _, labels := range series {
				ids = append(ids, labels["client_id"])
			}
			slices.Sort(ids)
			if !slices.Equal(want, ids) {
				return fmt.Errorf("%s: %d series", what, len(ids))
			}
		}
		return nil
	})
}

// leastClients returns the smallest number of different clients that Prometheus knew at any second since begin.
func (f *fleet) leastClients(t *testing.T, begin time.Time) int {
	t.Helper()
	parameters := url.Values{
		"query": {"count(count by (client_id) (igsend_client_up))"}, "step": {"1"},
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

// Every client is there once, and none is missing at any time: at the start, through a reload that moves clients from one
// file to the other, and through a change from three shards to four.
func TestFleet(t *testing.T) {
	f := startFleet(t)
	clients := f.configure(t, [2]int{0, 5000}, [2]int{5000, fleetClients})
	three := f.startShards(t, 3)
	f.target(t, three...)
	f.awaitOnce(t, clients)
	begin := time.Now()

	clients = f.configure(t, [2]int{4000, fleetClients + 500}, [2]int{0, 4000})
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
	four := f.startShards(t, 4)
	f.target(t, append(four, three...)...)
	eventually(t, "all shards of both fleets are scraped", func() error {
		found, err := f.query(t, "igsend_exporter_shard_info")
		if err == nil && len(found) != 7 {
			err = fmt.Errorf("%d shards", len(found))
		}
		return err
	})
	f.target(t, four...)
	f.awaitOnce(t, clients)
	for _, address := range three {
		f.shards[address].stop(t)
	}
	if least := f.leastClients(t, begin); least < fleetClients {
		t.Errorf("at one time Prometheus knew only %d clients, want at least %d", least, fleetClients)
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
