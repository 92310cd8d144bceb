//go:build unix

package collector

import (
	"os"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// The key file of the old settings hangs while a reload changes the endpoint. Its key must
// not go to the new endpoint.
func TestAReloadWhileAKeyFileHangs(t *testing.T) {
	source := keyFiles(t, "old")
	if err := os.Remove(source.PrivateFile); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(source.PrivateFile, 0o600); err != nil {
		t.Fatal(err)
	}
	old, next := &fakeAPI{}, &fakeAPI{}
	f := newTestFetcher(old, ids(1, 2), func(c *config.API) { c.Keys = source })
	answers := make(chan []Answer, 1)
	go func() { answers <- f.Fetch(t.Context()) }()
	fifo, err := os.OpenFile(source.PrivateFile, os.O_WRONLY, 0) // waits until the key is being read
	if err != nil {
		t.Fatal(err)
	}
	f.Apply(settings(next, ids(1, 2), func(c *config.API) {
		c.Endpoint, c.Keys.Private = "https://sandbox.example/", "next"
	}))
	if _, err := fifo.WriteString("old"); err != nil {
		t.Fatal(err)
	}
	if err := fifo.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(allWith("", ids(1, 2)), reasons(<-answers)); diff != "" {
		t.Errorf("scrape (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]igsend.ClientID{}, old.asked()); diff != "" {
		t.Errorf("asked at the old endpoint (-want +got):\n%s", diff)
	}
	for _, call := range next.calls {
		if want := (igsend.Keys{Public: "public", Private: "next"}); call.keys != want {
			t.Errorf("client %s was asked at the new endpoint with another key than its own", call.id)
		}
	}
	if got := len(next.asked()); got != 2 {
		t.Errorf("%d requests at the new endpoint, want 2", got)
	}
}
