package main

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/collector"
	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// blocks are IDs as they may come from IGSend: in a row, and in steps.
func blocks() map[string][]igsend.ClientID {
	all := map[string][]igsend.ClientID{}
	for _, first := range []igsend.ClientID{1, 1000, 100000, 100045, 1000000} {
		for _, step := range []igsend.ClientID{1, 10, 1000} {
			var ids []igsend.ClientID
			for i := range igsend.ClientID(10_000) {
				ids = append(ids, first+i*step)
			}
			all[fmt.Sprintf("from %d in steps of %d", first, step)] = ids
		}
	}
	return all
}

// owners returns the shards that have a client.
func owners(id igsend.ClientID, total int) (found []int) {
	for i := range total {
		if (shard{i, total}).has(id) {
			found = append(found, i)
		}
	}
	return found
}

// Every client is in one shard, every shard has about its share, and with one more shard
// about that share moves, only to the new one.
func TestShardsShare(t *testing.T) {
	for name, ids := range blocks() {
		t.Run(name, func(t *testing.T) {
			before := make([]int, len(ids)) // which shard has each client
			for total := 2; total <= 16; total++ {
				share := float64(len(ids)) / float64(total)
				counts, moved := make([]int, total), 0
				for i, id := range ids {
					found := owners(id, total)
					if len(found) != 1 {
						t.Fatalf("client %s is in the shards %v of %d", id, found, total)
					}
					counts[found[0]]++
					if found[0] != before[i] {
						moved++
						if found[0] != total-1 {
							t.Fatalf("client %s moves from shard %d to %d of %d, which is not new", id, before[i], found[0], total)
						}
					}
					before[i] = found[0]
				}
				for i, count := range counts {
					if float64(count) < 0.9*share || float64(count) > 1.1*share {
						t.Errorf("shard %d of %d has %d clients, more than 10 %% from %.0f", i, total, count, share)
					}
				}
				if float64(moved) > 1.1*share {
					t.Errorf("%d clients move to the last of %d shards, want about %.0f", moved, total, share)
				}
			}
		})
	}
}

// All versions must agree on the shard of a client: while a fleet is upgraded, a client
// would be in two shards or in none.
func TestShardsNeverChange(t *testing.T) {
	got := map[igsend.ClientID][]int{}
	for _, id := range []igsend.ClientID{1, 100045, 100046, 100047, 9223372036854775807} {
		for _, total := range []int{1, 2, 3, 16, 1000} {
			got[id] = append(got[id], owners(id, total)...)
		}
	}
	want := map[igsend.ClientID][]int{
		1:                   {0, 1, 2, 12, 679},
		100045:              {0, 1, 2, 13, 462},
		100046:              {0, 0, 0, 15, 719},
		100047:              {0, 1, 1, 11, 923},
		9223372036854775807: {0, 1, 1, 12, 501},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("shards (-want +got):\n%s", diff)
	}
}

func TestPartOfTheSettings(t *testing.T) {
	all := &config.Config{Files: 3}
	for id := range igsend.ClientID(100) {
		all.Clients = append(all.Clients, config.Client{ID: id + 1})
	}
	before := slices.Clone(all.Clients)
	var union []config.Client
	for i := range 4 {
		part := shard{i, 4}.part(collector.Settings{Config: all}).Config
		if part.Files != 3 || !slices.IsSortedFunc(part.Clients, func(a, b config.Client) int { return int(a.ID - b.ID) }) {
			t.Errorf("shard %d: %+v", i, part)
		}
		union = append(union, part.Clients...)
	}
	slices.SortFunc(union, func(a, b config.Client) int { return int(a.ID - b.ID) })
	if diff := cmp.Diff(before, union); diff != "" {
		t.Errorf("all shards together (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, all.Clients); diff != "" {
		t.Errorf("the configuration has changed (-want +got):\n%s", diff)
	}
}

func TestShardFlags(t *testing.T) {
	for _, tt := range []struct {
		shard string
		total int
		want  shard
		err   string
	}{
		{"0", 1, shard{0, 1}, ""},
		{"15", 16, shard{15, 16}, ""},
		{"igsend-exporter-0", 2, shard{0, 2}, ""},
		{"igsend-exporter-11", 12, shard{11, 12}, ""},
		{"a-1", 2, shard{1, 2}, ""},
		{"0", 0, shard{}, "--total-shards=0: must be at least 1"},
		{"0", -1, shard{}, "--total-shards=-1: must be at least 1"},
		{"1", 1, shard{}, "--shard=1: must be from 0 to 0, because --total-shards is 1"},
		{"2", 2, shard{}, "--shard=2: must be from 0 to 1, because --total-shards is 2"},
		{"igsend-exporter-2", 2, shard{}, "--shard=igsend-exporter-2: must be from 0 to 1, because --total-shards is 2"},
		{"99999999999999999999", 2, shard{}, "--shard=99999999999999999999: must be from 0 to 1, because --total-shards is 2"},
		{"igsend-exporter-6d4cf56db6-24567", 2, shard{}, "--shard=igsend-exporter-6d4cf56db6-24567: must be from 0 to 1, because --total-shards is 2"},
		{"-1", 2, shard{}, "a number, or"},
		{"+1", 2, shard{}, "a number, or"},
		{"01", 2, shard{}, "a number, or"},
		{"1.0", 2, shard{}, "a number, or"},
		{"0x1", 2, shard{}, "a number, or"},
		{" 1", 2, shard{}, "a number, or"},
		{"1\n", 2, shard{}, "a number, or"},
		{"", 2, shard{}, "a number, or"},
		{"1-1", 2, shard{}, "a number, or"},
		{"1/2", 2, shard{}, "a number, or"},
		{"igsend-exporter", 2, shard{}, "a number, or"},
		{"igsend-exporter-", 2, shard{}, "a number, or"},
		{"igsend-exporter-01", 2, shard{}, "a number, or"},
		{"igsend-exporter1", 2, shard{}, "a number, or"},
		{"igsend-exporter-6d4cf56db6-x2x9z", 2, shard{}, "a number, or"},
		{"$(POD_NAME)", 2, shard{}, "--shard=$(POD_NAME): must be a number, or the name of a StatefulSet's pod, such as igsend-exporter-0"},
	} {
		got, err := shardOptions{tt.shard, tt.total}.parse()
		if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("--shard=%q --total-shards=%d: %v, %v; want %v, %s", tt.shard, tt.total, got, err, tt.want, tt.err)
		}
	}
}

// Two processes serve every client once, before and after a reload.
func TestShards(t *testing.T) {
	s := newSite(t)
	s.configure("", clientList(1, 40))
	var urls []string
	for i := range 2 {
		p, url := start(t, nil, "--config.file="+s.configFile, fmt.Sprintf("--shard=exporter-%d", i), "--total-shards=2")
		p.await(fmt.Sprintf(`msg="Configuration loaded" clients=\d+ files=1 of=40 shard=%d total_shards=2\n`, i))
		urls = append(urls, url)
	}
	served := func() (ids []string) {
		for i, url := range urls {
			body := get(t, url+"/metrics")
			want := []string{fmt.Sprintf(`igsend_exporter_shard_info{shard="%d",total_shards="2"} 1`, i), "igsend_exporter_total_shards 2"}
			if diff := cmp.Diff(want, samples(body, "igsend_exporter_shard_info", "igsend_exporter_total_shards")); diff != "" {
				t.Errorf("shard %d (-want +got):\n%s", i, diff)
			}
			part := regexp.MustCompile(`igsend_client_up{client_id="(\d+)"}`).FindAllStringSubmatch(body, -1)
			if len(part) < 10 {
				t.Errorf("shard %d has %d clients", i, len(part))
			}
			for _, match := range part {
				ids = append(ids, match[1])
			}
		}
		slices.Sort(ids)
		return ids
	}
	all := func(last int) (ids []string) {
		for id := range last {
			ids = append(ids, fmt.Sprint(id+1))
		}
		slices.Sort(ids)
		return ids
	}
	if diff := cmp.Diff(all(40), served()); diff != "" {
		t.Errorf("clients (-want +got):\n%s", diff)
	}
	s.configure("", clientList(1, 60))
	for _, url := range urls {
		if status, _, body := request(t, httpClient, http.MethodPost, url+"/-/reload"); status != http.StatusOK {
			t.Fatalf("reload: HTTP status %d: %s", status, body)
		}
	}
	if diff := cmp.Diff(all(60), served()); diff != "" {
		t.Errorf("clients after a reload (-want +got):\n%s", diff)
	}
	stdout, _, _ := execute(t, nil, "check", "--config.file="+s.configFile, "--shard=1", "--total-shards=2")
	if !strings.HasPrefix(stdout, "OK: 60 clients ") {
		t.Errorf("check: %s", stdout)
	}
	stdout, _, _ = execute(t, nil, "balance", "--config.file="+s.configFile, "--shard=1", "--total-shards=2", "--output=csv")
	if got := strings.Count(stdout, "\n"); got != 61 {
		t.Errorf("balance prints %d lines, want a heading and all 60 clients", got)
	}
}

// A shard without clients serves its own metrics.
func TestShardWithoutClients(t *testing.T) {
	s := newSite(t)
	empty := 1 - owners(100045, 2)[0]
	_, url := start(t, nil, "--config.file="+s.configFile, fmt.Sprintf("--shard=%d", empty), "--total-shards=2")
	body := get(t, url+"/metrics")
	if len(samples(body, "igsend_client_up")) != 0 || len(samples(body, "igsend_exporter_shard_info")) != 1 {
		t.Errorf("metrics:\n%s", body)
	}
	if body := get(t, url+"/sd"); body != "[\n]\n" {
		t.Errorf("targets: %q", body)
	}
	if got := s.Stats().Requests; got != 0 {
		t.Errorf("%d requests to IGSend, want none", got)
	}
}

func TestShardErrors(t *testing.T) {
	s := newSite(t)
	const want = "--shard=3: must be from 0 to 2, because --total-shards is 3"
	args := []string{"--config.file=" + s.configFile, "--shard=3", "--total-shards=3"}
	if _, stderr, status := execute(t, nil, args...); status != 1 || stderr != "igsend_exporter: error: "+want+"\n" {
		t.Errorf("exit status %d: %s", status, stderr)
	}
	if stdout, _, status := execute(t, nil, append([]string{"check"}, args...)...); status != 1 || stdout != want+"\n" {
		t.Errorf("check: exit status %d: %s", status, stdout)
	}
}

// clientList returns a list of clients for a configuration.
func clientList(first, last int) string {
	var list strings.Builder
	for id := first; id <= last; id++ {
		fmt.Fprintf(&list, "- id: %d\n", id)
	}
	return list.String()
}
