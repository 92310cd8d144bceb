package igsendtest_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/igsend"
	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

func TestProcess(t *testing.T) {
	const latency = 20 * time.Millisecond
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			p, err := igsendtest.StartProcess(keys, igsendtest.ProcessOptions{Clients: 3, Latency: latency, TLS: scheme == "https"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]igsend.ClientID{100000, 100001, 100002}, p.ClientIDs); diff != "" {
				t.Errorf("client IDs (-want +got):\n%s", diff)
			}

			transport := &http.Transport{TLSClientConfig: p.TLSClientConfig()}
			defer transport.CloseIdleConnections()
			client := &http.Client{Transport: transport}
			if !strings.HasPrefix(p.Endpoint, scheme+"://127.0.0.1:") {
				t.Errorf("endpoint %s", p.Endpoint)
			}
			askProcess := func(id igsend.ClientID) answer {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("%s?ClientID=%d", p.Endpoint, id), nil)
				if err != nil {
					t.Fatal(err)
				}
				r.SetBasicAuth(keys.Public, keys.Private)
				a, _ := do(client, r)
				return a
			}
			stats := func() igsendtest.Stats {
				s, err := p.Stats()
				if err != nil {
					t.Error(err)
				}
				return s
			}

			if diff := cmp.Diff(answer{Status: 200, Body: documentedBody}, askProcess(100000)); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			askProcess(100000)
			begin := time.Now()
			askProcess(100002)
			if took := time.Since(begin); took < latency {
				t.Errorf("an answer took %v, want %v at least", took, latency)
			}
			if diff := cmp.Diff(igsendtest.Stats{
				Requests: 3, PerClient: map[igsend.ClientID]int{100000: 2, 100002: 1},
				MaxInFlight: 1, Connections: 1, OpenConnections: 1, MaxOpenConnections: 1,
			}, stats()); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
			if err := p.ResetStats(); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(igsendtest.Stats{OpenConnections: 1, MaxOpenConnections: 1}, stats()); diff != "" {
				t.Errorf("counts after ResetStats (-want +got):\n%s", diff)
			}

			if err := p.Close(); err != nil {
				t.Error(err)
			}
			if a := askProcess(100000); a.Err == "" {
				t.Errorf("a process that has ended answers: %+v", a)
			}
			if _, err := p.Stats(); err == nil {
				t.Error("a process that has ended counts")
			}
		})
	}
}

// An executable that forgets ServeIfChild would start itself for ever.
func TestProcessDoesNotMultiply(t *testing.T) {
	t.Setenv("IGSENDTEST_SERVE", "1")
	if _, err := igsendtest.StartProcess(keys, igsendtest.ProcessOptions{}); err == nil {
		t.Error("the server's process may start another")
	}
}

// BenchmarkLatency shows how much later than asked for an answer comes, from a
// server in a process of its own, on 50 connections at a time.
func BenchmarkLatency(b *testing.B) {
	const latency, connections = 50 * time.Millisecond, 50
	p, err := igsendtest.StartProcess(keys, igsendtest.ProcessOptions{Clients: connections, Latency: latency, TLS: true})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	transport := &http.Transport{TLSClientConfig: p.TLSClientConfig(), MaxIdleConnsPerHost: connections}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}

	ask := func(id igsend.ClientID) time.Duration {
		r, _ := http.NewRequestWithContext(context.Background(), http.MethodGet, fmt.Sprintf("%s?ClientID=%d", p.Endpoint, id), nil)
		r.SetBasicAuth(keys.Public, keys.Private)
		begin := time.Now()
		if a, _ := do(client, r); a.Status != 200 {
			b.Errorf("answer %+v", a)
		}
		return time.Since(begin) - latency
	}
	results := make(chan time.Duration)
	round := func() (late []time.Duration) {
		for _, id := range p.ClientIDs {
			go func() { results <- ask(id) }()
		}
		for range p.ClientIDs {
			late = append(late, <-results)
		}
		return late
	}
	round() // the handshakes

	var late []time.Duration
	for b.Loop() {
		late = append(late, round()...)
	}
	slices.Sort(late)
	b.ReportMetric(float64(late[len(late)/2].Microseconds()), "late-us/median")
	b.ReportMetric(float64(late[len(late)*99/100].Microseconds()), "late-us/p99")
}
