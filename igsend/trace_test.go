package igsend_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/igsend"
	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

func TestTrace(t *testing.T) {
	for name, test := range map[string]struct {
		fault igsendtest.Fault
		want  string
	}{
		"a good answer":     {igsendtest.Documented, `200 10010 "Client Balance successfully retrieved."`},
		"a failure":         {igsendtest.Rejected(10009, "Not today, "+keys.Private+"."), `200 10009 "Not today, [redacted]."`},
		"another status":    {igsendtest.StatusBody(503, `{"coreRes": {"status": 2, "Message": "Later.", "MessageID": 7}}`), `503 7 "Later."`},
		"not JSON":          {igsendtest.StatusBody(200, "<html>"), `200 0 ""`},
		"an answer cut off": {igsendtest.TruncatedLength, `200 0 ""`},
		"no answer":         {igsendtest.CloseBeforeAnswer, ""},
	} {
		t.Run(name, func(t *testing.T) {
			server := igsendtest.NewServer(keys)
			defer server.Close()
			server.SetClient(client, igsendtest.Client{Rows: []igsendtest.Row{{Balance: "1400000", Currency: "GBP"}}})
			server.SetFault(test.fault)
			var got string
			ctx := igsend.WithTrace(t.Context(), &igsend.Trace{GotAnswer: func(status int, messageID int64, message string) {
				got += fmt.Sprintf("%d %d %q", status, messageID, message)
			}})
			c := newClient(t, server, nil)
			defer c.Close()
			_, _ = c.Balances(ctx, keys, client)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
