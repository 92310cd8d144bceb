package collector

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

func TestOneLogLineWhenAnOutcomeChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{}
		rejected := reply{err: &igsend.Error{
			Reason: igsend.ReasonRejected, HTTPStatus: 200, MessageID: 10009, Message: "Data Validation Failed.",
		}}
		answers := []reply{
			{balances: gbp("1")},
			{balances: gbp("1")},
			rejected, rejected, rejected,
			fails(igsend.ReasonHTTP, 500),
			{balances: gbp("1")},
			{balances: gbp("1")},
		}
		api.setFunc(1, func(n int) reply { return answers[n-1] })
		var log bytes.Buffer
		withoutTime := func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}
		s := settings(api, ids(1, 1), nil)
		s.Config.Clients[0].Name = "Payroll"
		f := NewFetcher(s, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: withoutTime})))
		for range answers {
			scrapeAll(t, f, time.Second)
		}
		want := strings.Join([]string{
			`level=WARN msg="No complete balance for client" client_id=1 name=Payroll reason=rejected err="client 1: rejected (HTTP status 200, MessageID 10009, Message \"Data Validation Failed.\")"`,
			`level=WARN msg="No complete balance for client" client_id=1 name=Payroll reason=http err="client 1: http (HTTP status 500)"`,
			`level=INFO msg="Client answers again" client_id=1 name=Payroll was=http`,
			``,
		}, "\n")
		if diff := cmp.Diff(want, log.String()); diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}
	})
}

// Prometheus takes a sample's time from the beginning of its scrape. A counter that appears
// with a failure must have been 0 before that, and after the samples of the scrape before.
func TestAnErrorCounterWas0AtTheRequestBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{latency: 100 * time.Millisecond}
		api.setFunc(1, func(n int) reply {
			return []reply{{balances: gbp("1")}, fails(igsend.ReasonRejected, 200), fails(igsend.ReasonHTTP, 500)}[n-1]
		})
		begun := time.Now()
		f := newTestFetcher(api, ids(1, 2), nil)
		api.set(2, fails(igsend.ReasonHTTP, 500))
		for range 3 {
			time.Sleep(time.Minute)
			scrapeAll(t, f, time.Second)
		}
		got := map[string]time.Duration{}
		for id, c := range f.clients {
			for _, e := range c.errors {
				got[id.String()+" "+string(e.reason)] = e.counter.GetCreatedTimestamp().AsTime().Sub(begun)
			}
		}
		between := 100 * time.Millisecond // a scrape begins when the one before is over
		want := map[string]time.Duration{"1 rejected": time.Minute, "1 http": 2*time.Minute + between, "2 http": 0}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
