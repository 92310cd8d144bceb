package main

import (
	"net/http"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/igsend"
	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

// Clients that move from one file to another keep their counters, and the scrape that is
// under way at that time gets its answers.
func TestReloadMovesClientsBetweenFiles(t *testing.T) {
	s := newSite(t)
	set := func(id igsend.ClientID, balance string) {
		s.SetClient(id, igsendtest.Client{Rows: []igsendtest.Row{{Balance: balance, Currency: "GBP"}}})
	}
	from := "- id: 100045\nclients_from: " + filepath.Join(s.dir, "*-clients.yml") + "\n"
	s.configure("", from)
	s.write("a-clients.yml", "clients: [{id: 1}, {id: 2}]\n")
	s.write("b-clients.yml", "clients: [{id: 3}]\n")
	set(1, "100")
	set(2, "200")
	set(3, "300")
	_, url := start(t, nil, "--config.file="+s.configFile)
	get(t, url+"/metrics")
	set(1, "90")
	set(2, "180")
	set(3, "270")

	asked, answer := make(chan struct{}, 4), make(chan struct{})
	hold := igsendtest.Hold(answer, igsendtest.Documented)
	s.SetFault(func(w http.ResponseWriter, r *http.Request, documented []byte) {
		asked <- struct{}{}
		hold(w, r, documented)
	})
	scraped := make(chan string)
	go func() { scraped <- get(t, url+"/metrics") }()
	<-asked
	s.write("a-clients.yml", "clients: [{id: 3}]\n")
	s.write("b-clients.yml", "clients: [{id: 2}, {id: 1}]\n")
	if status, _, body := request(t, httpClient, http.MethodPost, url+"/-/reload"); status != http.StatusOK {
		t.Fatalf("HTTP status %d: %s", status, body)
	}
	close(answer)
	s.SetFault(nil)
	const metric = "igsend_client_balance_decrease_total"
	want := []string{
		metric + `{client_id="1",currency="GBP"} 10`,
		metric + `{client_id="100045",currency="GBP"} 0`,
		metric + `{client_id="2",currency="GBP"} 20`,
		metric + `{client_id="3",currency="GBP"} 30`,
	}
	if diff := cmp.Diff(want, samples(<-scraped, metric)); diff != "" {
		t.Errorf("the scrape under way (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, samples(get(t, url+"/metrics"), metric)); diff != "" {
		t.Errorf("the next one (-want +got):\n%s", diff)
	}
}
