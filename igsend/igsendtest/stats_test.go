package igsendtest_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/igsend"
	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

// await fails the test when the counts don't come to fulfil the condition.
func await(t *testing.T, srv *igsendtest.Server, condition func(igsendtest.Stats) bool) {
	t.Helper()
	if err := srv.Await(patience(t), condition); err != nil {
		t.Fatalf("the counts stay at %+v: %v", srv.Stats(), err)
	}
}

func TestStats(t *testing.T) {
	srv := igsendtest.NewServer(keys)
	defer srv.Close()
	release := make(chan struct{})
	srv.SetFault(igsendtest.Hold(release, nil))

	results := make(chan answer)
	for _, id := range []igsend.ClientID{1, 2, 2} {
		client := newClient(t, srv)
		go func() {
			a, _ := do(client, newRequest(context.Background(), srv, id))
			results <- a
		}()
	}
	await(t, srv, func(s igsendtest.Stats) bool { return s.InFlight == 3 })
	conn := dialRaw(t, srv) // a connection on which nothing is asked
	await(t, srv, func(s igsendtest.Stats) bool { return s.Connections == 4 })
	if diff := cmp.Diff(igsendtest.Stats{
		Requests: 3, PerClient: map[igsend.ClientID]int{1: 1, 2: 2},
		InFlight: 3, MaxInFlight: 3, Connections: 4, OpenConnections: 4, MaxOpenConnections: 4,
	}, srv.Stats()); diff != "" {
		t.Errorf("while three calls are in flight (-want +got):\n%s", diff)
	}

	_ = conn.Close()
	await(t, srv, func(s igsendtest.Stats) bool { return s.OpenConnections == 3 })
	srv.ResetStats()
	if diff := cmp.Diff(igsendtest.Stats{InFlight: 3, MaxInFlight: 3, OpenConnections: 3, MaxOpenConnections: 3}, srv.Stats()); diff != "" {
		t.Errorf("after ResetStats in between (-want +got):\n%s", diff)
	}

	close(release)
	for range 3 {
		<-results
	}
	if got := ask(t, srv, 0).Status; got != 400 {
		t.Errorf("status %d for client 0", got)
	}
	for range 2 { // one after the other
		conn := dialRaw(t, srv)
		await(t, srv, func(s igsendtest.Stats) bool { return s.OpenConnections == 5 })
		_ = conn.Close()
		await(t, srv, func(s igsendtest.Stats) bool { return s.OpenConnections == 4 })
	}
	if diff := cmp.Diff(igsendtest.Stats{
		Requests:    1,
		BadRequests: []string{`query "ClientID=0" is not ClientID and an integer above 0`},
		MaxInFlight: 3, Connections: 3, OpenConnections: 4, MaxOpenConnections: 5,
	}, srv.Stats()); diff != "" {
		t.Errorf("afterwards (-want +got):\n%s", diff)
	}

	srv.ResetStats()
	if diff := cmp.Diff(igsendtest.Stats{OpenConnections: 4, MaxOpenConnections: 4}, srv.Stats()); diff != "" {
		t.Errorf("after ResetStats (-want +got):\n%s", diff)
	}
	if got := srv.Requests(); got != nil {
		t.Errorf("log after ResetStats: %+v", got)
	}
}

// A client that asks again as soon as it sees the end of an answer must never be
// counted twice, however the answer ends.
func TestOneAtATimeIsNeverTwoInFlight(t *testing.T) {
	srv := igsendtest.NewTLSServer(keys)
	defer srv.Close()
	big := igsendtest.Client{Rows: make([]igsendtest.Row, 100)}
	srv.SetClient(1, big)
	client := newClient(t, srv)
	for _, fault := range []igsendtest.Fault{nil, igsendtest.Reset, igsendtest.TruncatedLength, igsendtest.CloseBeforeAnswer, igsendtest.NotHTTP} {
		srv.SetFault(fault)
		for range 20 {
			do(client, newRequest(t.Context(), srv, 1))
		}
	}
	if got := srv.Stats().MaxInFlight; got != 1 {
		t.Errorf("%d requests in flight, want 1", got)
	}
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	api := igsendtest.NewAPI(keys)
	if err := api.Await(ctx, func(igsendtest.Stats) bool { return false }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := api.Await(ctx, func(igsendtest.Stats) bool { return true }); err != nil {
		t.Errorf("got %v for what is true already", err)
	}
}

// In a bubble the clock stands still unless everyone waits: durations are exact.
func TestVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := igsendtest.NewPipeServer(keys)
		defer srv.Close()
		begin := time.Now()
		balance := func(now time.Time) igsendtest.Client {
			return igsendtest.Client{Rows: []igsendtest.Row{{Balance: now.Sub(begin).String(), Currency: "GBP"}}}
		}
		srv.SetClientFunc(1, balance)
		srv.SetClientFunc(2, func(now time.Time) igsendtest.Client {
			c := balance(now)
			c.Latency = time.Hour
			return c
		})
		srv.SetLatency(time.Second)
		client := newClient(t, srv)
		defer client.CloseIdleConnections()

		type result struct {
			Took time.Duration
			Body string
		}
		timed := func(id igsend.ClientID) result {
			asked := time.Now()
			a, _ := do(client, newRequest(t.Context(), srv, id))
			return result{time.Since(asked), a.Body}
		}
		got := []result{timed(1), timed(2), timed(1)}
		srv.SetClientFault(1, igsendtest.Delay(time.Minute, igsendtest.Body("x")))
		got = append(got, timed(1))
		srv.SetKeys(otherKeys)
		got = append(got, timed(1))

		body := func(id igsend.ClientID, balance string) string {
			row := `{"ClientID": ` + id.String() + `, "AccountBalance": "` + balance + `", "Status": "success", "Balance Currency": "GBP", "Balance State": "IN_CREDIT"}`
			return `{"coreRes": {"status": 1, "Message": "Client Balance successfully retrieved.", "MessageID": 10010}, "tableRes": [` + row + `]}`
		}
		want := []result{
			{time.Second, body(1, "0s")},
			{time.Hour, body(2, "1s")},
			{time.Second, body(1, "1h0m1s")},
			{61 * time.Second, "x"},
			{time.Second, ""},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		at := begin.Add
		if diff := cmp.Diff([]igsendtest.Request{
			{1, at(0), true},
			{2, at(time.Second), true},
			{1, at(time.Hour + time.Second), true},
			{1, at(time.Hour + 2*time.Second), true},
			{1, at(time.Hour + 63*time.Second), false},
		}, srv.Requests()); diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}
	})
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	api := igsendtest.NewAPI(keys)
	bad, err := http.NewRequest(http.MethodGet, "http://127.0.0.1/", nil)
	if err != nil {
		t.Fatal(err)
	}
	const calls = 70_000
	for range calls {
		api.ServeHTTP(discard{}, bad)
	}
	stats := api.Stats()
	got := []int{stats.Requests, len(stats.BadRequests), len(api.Requests())}
	if diff := cmp.Diff([]int{calls, 100, calls - 1<<15}, got); diff != "" {
		t.Errorf("requests, bad ones and log (-want +got):\n%s", diff)
	}
}

// discard is an http.ResponseWriter without memory.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}
