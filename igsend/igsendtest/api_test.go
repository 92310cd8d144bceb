package igsendtest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/igsend"
	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

func TestDocumentedAnswers(t *testing.T) {
	const failure = `{"coreRes": {"status": 2, "Message": "Data Validation Failed. Account Number was not available for this client.", "MessageID": 10009}}`
	row := igsendtest.Row{Balance: "5.10", Currency: "EUR"}
	rows := func(rows string) string {
		return `{"coreRes": {"status": 1, "Message": "Client Balance successfully retrieved.", "MessageID": 10010}, "tableRes": [` + rows + `]}`
	}
	documented := documentedClient()

	for _, tc := range []struct {
		name   string
		client *igsendtest.Client // nil: unknown
		want   string
	}{
		{"the example of the documentation", &documented, documentedBody},
		{"unknown client", nil, failure},
		{"no rows", &igsendtest.Client{}, rows("")},
		{"two currencies, and a state", &igsendtest.Client{Rows: []igsendtest.Row{{Balance: "-1.00", Currency: "USD", State: "OVERDRAWN"}, row}}, rows(
			`{"ClientID": 100000, "AccountBalance": "-1.00", "Status": "success", "Balance Currency": "USD", "Balance State": "OVERDRAWN"}, ` +
				`{"ClientID": 100000, "AccountBalance": "5.10", "Status": "success", "Balance Currency": "EUR", "Balance State": "IN_CREDIT"}`)},
		{"texts that JSON must escape", &igsendtest.Client{Rows: []igsendtest.Row{{Balance: "<&>", Currency: "\"\n\\", State: "é"}}}, rows(
			`{"ClientID": 100000, "AccountBalance": "\u003c\u0026\u003e", "Status": "success", "Balance Currency": "\"\n\\", "Balance State": "é"}`)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv := igsendtest.NewServer(keys)
			defer srv.Close()
			if tc.client != nil {
				srv.SetClient(100000, *tc.client)
			}
			got, header := do(newClient(t, srv), newRequest(t.Context(), srv, 100000))
			if diff := cmp.Diff(answer{Status: 200, Body: tc.want}, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if got := header.Get("Content-Type"); got != "application/json" {
				t.Errorf("Content-Type %q", got)
			}
		})
	}
}

func TestUndocumentedRequests(t *testing.T) {
	const query = "?ClientID=100000"
	for _, tc := range []struct {
		name, method, path, body string
		want                     int
		reason                   string
	}{
		{"without the last slash", "GET", "/services/clientbalance" + query, "", 404, `path "/services/clientbalance" is not "/services/clientbalance/"`},
		{"a path below", "GET", "/services/clientbalance/x" + query, "", 404, `path "/services/clientbalance/x" is not "/services/clientbalance/"`},
		{"an escaped path", "GET", "/services/client%62alance/" + query, "", 404, `path "/services/client%62alance/" is not "/services/clientbalance/"`},
		{"POST", "POST", igsendtest.Path + query, "", 405, "method POST is not GET"},
		{"HEAD", "HEAD", igsendtest.Path + query, "", 405, "method HEAD is not GET"},
		{"a body", "GET", igsendtest.Path + query, "{}", 400, "the request has a body"},
		{"no query", "GET", igsendtest.Path, "", 400, `query "" is not ClientID and an integer above 0`},
		{"another parameter", "GET", igsendtest.Path + query + "&x=1", "", 400, `query "ClientID=100000&x=1" is not ClientID and an integer above 0`},
		{"the parameter twice", "GET", igsendtest.Path + query + "&ClientID=100000", "", 400, `query "ClientID=100000&ClientID=100000" is not ClientID and an integer above 0`},
		{"in another case", "GET", igsendtest.Path + "?clientid=100000", "", 400, `query "clientid=100000" is not ClientID and an integer above 0`},
		{"client 0", "GET", igsendtest.Path + "?ClientID=0", "", 400, `query "ClientID=0" is not ClientID and an integer above 0`},
		{"an empty client", "GET", igsendtest.Path + "?ClientID=", "", 400, `query "ClientID=" is not ClientID and an integer above 0`},
		{"a leading zero", "GET", igsendtest.Path + "?ClientID=0100000", "", 400, `query "ClientID=0100000" is not ClientID and an integer above 0`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv := igsendtest.NewServer(keys)
			defer srv.Close()
			srv.SetClient(100000, documentedClient())

			url := strings.TrimSuffix(srv.Endpoint(), igsendtest.Path) + tc.path
			r, err := http.NewRequest(tc.method, url, strings.NewReader(tc.body))
			if err != nil {
				t.Fatal(err)
			}
			r.SetBasicAuth(keys.Public, keys.Private)
			got, _ := do(newClient(t, srv), r)
			if got.Status != tc.want {
				t.Errorf("answer %+v, want status %d", got, tc.want)
			}
			if diff := cmp.Diff([]string{tc.reason}, srv.Stats().BadRequests); diff != "" {
				t.Errorf("bad requests (-want +got):\n%s", diff)
			}
		})
	}
}

func TestKeys(t *testing.T) {
	srv := igsendtest.NewServer(keys)
	defer srv.Close()
	srv.SetClient(100000, documentedClient())
	client := newClient(t, srv)

	with := func(change func(*http.Request)) *http.Request {
		r := newRequest(t.Context(), srv, 100000)
		change(r)
		return r
	}
	for _, tc := range []struct {
		name string
		r    *http.Request
		want answer
	}{
		{"right", with(func(*http.Request) {}), answer{Status: 200, Body: documentedBody}},
		{"none", with(func(r *http.Request) { r.Header.Del("Authorization") }), answer{Status: 200, Body: refusal}},
		{"another private key", with(func(r *http.Request) { r.SetBasicAuth(keys.Public, "x") }), answer{Status: 200, Body: refusal}},
		{"another public key", with(func(r *http.Request) { r.SetBasicAuth("x", keys.Private) }), answer{Status: 200, Body: refusal}},
		{"another scheme", with(func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }), answer{Status: 200, Body: refusal}},
		{"twice", with(func(r *http.Request) { r.Header.Add("Authorization", r.Header.Get("Authorization")) }), answer{Status: 200, Body: refusal}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, _ := do(client, tc.r)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}

	t.Run("rotated", func(t *testing.T) {
		srv.SetKeys(otherKeys)
		old, _ := do(client, newRequest(t.Context(), srv, 100000))
		current, _ := do(client, with(func(r *http.Request) { r.SetBasicAuth(otherKeys.Public, otherKeys.Private) }))
		if diff := cmp.Diff([]string{refusal, documentedBody}, []string{old.Body, current.Body}); diff != "" {
			t.Errorf("answers with the old and the new keys (-want +got):\n%s", diff)
		}
	})
	t.Run("refused in another way", func(t *testing.T) {
		srv.SetRefusal(igsendtest.Status(401))
		if got, _ := do(client, newRequest(t.Context(), srv, 100000)); got.Status != 401 {
			t.Errorf("answer %+v, want status 401", got)
		}
	})
	if bad := srv.Stats().BadRequests; bad != nil {
		t.Errorf("wrong keys count as bad requests: %q", bad)
	}
}

func TestClientsChange(t *testing.T) {
	srv := igsendtest.NewServer(keys)
	defer srv.Close()
	rows := []igsendtest.Row{{Balance: "1", Currency: "GBP"}}
	srv.SetClient(1, igsendtest.Client{Rows: rows})
	rows[0].Balance = "2" // must not be seen
	calls := 0
	srv.SetClientFunc(2, func(time.Time) igsendtest.Client {
		calls++
		return igsendtest.Client{Rows: []igsendtest.Row{{Balance: fmt.Sprint(calls), Currency: "GBP"}}}
	})
	row := func(id igsend.ClientID, balance, state string) string {
		return fmt.Sprintf(`{"coreRes": {"status": 1, "Message": "Client Balance successfully retrieved.", "MessageID": 10010}, "tableRes": [`+
			`{"ClientID": %d, "AccountBalance": %q, "Status": "success", "Balance Currency": "GBP", "Balance State": %q}]}`, id, balance, state)
	}

	var got []string
	step := func(id igsend.ClientID) { got = append(got, ask(t, srv, id).Body) }
	step(1)
	srv.SetClient(1, igsendtest.Client{Rows: []igsendtest.Row{{Balance: "-1", Currency: "GBP", State: "OVERDRAWN"}}})
	step(1)
	step(2)
	step(2)

	want := []string{
		row(1, "1", "IN_CREDIT"), row(1, "-1", "OVERDRAWN"), row(2, "1", "IN_CREDIT"), row(2, "2", "IN_CREDIT"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

func TestPrecedenceOfFaults(t *testing.T) {
	srv := igsendtest.NewServer(keys)
	defer srv.Close()
	own := func(f igsendtest.Fault) igsendtest.Client {
		c := documentedClient()
		c.Fault = f
		return c
	}
	srv.SetClient(1, own(nil))
	srv.SetClient(2, own(igsendtest.Status(502)))
	srv.SetClient(3, own(igsendtest.Documented))
	srv.SetFault(igsendtest.Status(500))

	statuses := func() (got []int) {
		for id := range igsend.ClientID(5) { // 0 is no valid client, and 4 is unknown
			got = append(got, ask(t, srv, id).Status)
		}
		return got
	}
	if diff := cmp.Diff([]int{400, 500, 502, 200, 500}, statuses()); diff != "" {
		t.Errorf("with all faults set (-want +got):\n%s", diff)
	}
	srv.SetRefusal(igsendtest.Status(401))
	srv.SetKeys(otherKeys)
	if diff := cmp.Diff([]int{400, 401, 401, 401, 401}, statuses()); diff != "" {
		t.Errorf("with the wrong keys (-want +got):\n%s", diff)
	}
	srv.SetKeys(keys)
	srv.SetFault(nil)
	srv.SetClient(2, own(nil))
	if diff := cmp.Diff([]int{400, 200, 200, 200, 200}, statuses()); diff != "" {
		t.Errorf("without faults (-want +got):\n%s", diff)
	}
}
