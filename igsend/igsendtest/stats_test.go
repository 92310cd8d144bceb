package igsendtest_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/igsend"
	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

func TestStats(t *testing.T) {
	srv := igsendtest.NewServer(keys)
	defer srv.Close()
	clients := []*http.Client{newClient(t, srv), newClient(t, srv), newClient(t, srv)}
	for range 2 {
		for _, client := range clients {
			do(client, newRequest(t.Context(), srv, 1))
		}
	}
	if diff := cmp.Diff(igsendtest.Stats{Requests: 6, Connections: 3, MaxOpenConnections: 3}, srv.Stats()); diff != "" {
		t.Errorf("six requests of three clients (-want +got):\n%s", diff)
	}

	do(clients[0], newRequest(t.Context(), srv, 0))
	srv.SetFault(igsendtest.Raw("HTTP/1.1 200 OK\r\n\r\n"))
	do(clients[1], newRequest(t.Context(), srv, 1))
	srv.SetFault(nil)
	ask(t, srv, 1)
	if diff := cmp.Diff(igsendtest.Stats{
		Requests:    9,
		BadRequests: []string{`query "ClientID=0" is not ClientID and an integer above 0`},
		Connections: 4, MaxOpenConnections: 3,
	}, srv.Stats()); diff != "" {
		t.Errorf("after a bad request and a fourth connection in place of one that the server closed (-want +got):\n%s", diff)
	}
}

func TestBadRequestsAreBounded(t *testing.T) {
	api := igsendtest.NewAPI(keys)
	bad, err := http.NewRequest(http.MethodGet, "http://127.0.0.1/", nil)
	if err != nil {
		t.Fatal(err)
	}
	const calls = 200
	for range calls {
		api.ServeHTTP(discard{}, bad)
	}
	stats := api.Stats()
	if diff := cmp.Diff([]int{calls, 100}, []int{stats.Requests, len(stats.BadRequests)}); diff != "" {
		t.Errorf("requests and bad ones (-want +got):\n%s", diff)
	}
}

// discard is an http.ResponseWriter that keeps nothing.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

// In a bubble, time advances only while all goroutines wait, so durations are exact.
func TestVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, client := newPipe(t)
		begin := time.Now()
		balance := func(now time.Time) igsendtest.Client {
			return igsendtest.Client{Rows: []igsendtest.Row{{Balance: now.Sub(begin).String(), Currency: "GBP"}}}
		}
		srv.SetClientFunc(1, balance)
		srv.SetClientFunc(2, func(now time.Time) igsendtest.Client {
			c := balance(now)
			c.Fault = igsendtest.Delay(time.Hour, igsendtest.Documented)
			return c
		})
		srv.SetFault(igsendtest.Delay(time.Second, igsendtest.Documented))

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
		body := func(id igsend.ClientID, balance string) string {
			row := `{"ClientID": ` + id.String() + `, "AccountBalance": "` + balance + `", "Status": "success", "Balance Currency": "GBP", "Balance State": "IN_CREDIT"}`
			return `{"coreRes": {"status": 1, "Message": "Client Balance successfully retrieved.", "MessageID": 10010}, "tableRes": [` + row + `]}`
		}
		want := []result{
			{time.Second, body(1, "0s")},
			{time.Hour, body(2, "1s")},
			{time.Second, body(1, "1h0m1s")},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
}
