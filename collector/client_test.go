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
