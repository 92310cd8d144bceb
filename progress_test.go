package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

type silentAPI struct{}

func (silentAPI) Balances(context.Context, igsend.Keys, igsend.ClientID) ([]igsend.Balance, error) {
	return nil, nil
}
func (silentAPI) Close() {}

func TestProgress(t *testing.T) {
	for name, test := range map[string]struct {
		took time.Duration
		want string
	}{
		"at most a second": {999 * time.Millisecond, ""},
		"longer":           {2500 * time.Millisecond, "\rasked 1 of 12 clients\rasked 2 of 12 clients\r" + strings.Repeat(" ", 21) + "\r"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &progress{API: silentAPI{}, clients: 12, done: map[igsend.ClientID]bool{}}
				ask := func(id igsend.ClientID) { _, _ = p.Balances(t.Context(), igsend.Keys{}, id) }
				var screen bytes.Buffer
				erase := p.show(&screen)
				ask(100045)
				time.AfterFunc(1500*time.Millisecond, func() {
					ask(100045) // again
					ask(100046)
				})
				time.Sleep(test.took) // of the bubble
				erase()
				if got := screen.String(); got != test.want {
					t.Errorf("got %q, want %q", got, test.want)
				}
				time.Sleep(time.Minute) // nothing is written any more
				if got := screen.String(); got != test.want {
					t.Errorf("got %q a minute later, want %q", got, test.want)
				}
			})
		})
	}
}

func TestIsTerminal(t *testing.T) {
	device, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	file, err := os.Create(t.TempDir() + "/stderr")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for name, test := range map[string]struct {
		w    io.Writer
		want bool
	}{
		"a character device": {device, true},
		"a file":             {file, false},
		"a buffer":           {&bytes.Buffer{}, false},
	} {
		if got := isTerminal(test.w); got != test.want {
			t.Errorf("%s: got %t, want %t", name, got, test.want)
		}
	}
}
