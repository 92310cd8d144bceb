package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/igsend-exporter/igsend_exporter/collector"
	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// A progress calls the API and counts the clients that it has asked for.
type progress struct {
	collector.API
	clients int // configured

	mu   sync.Mutex
	done map[igsend.ClientID]bool // a retry does not count again
}

// Balances calls the API and then counts the client.
func (p *progress) Balances(ctx context.Context, keys igsend.Keys, id igsend.ClientID) ([]igsend.Balance, error) {
	balances, err := p.API.Balances(ctx, keys, id)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done[id] = true
	return balances, err
}

func (p *progress) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return fmt.Sprintf("asked %d of %d clients", len(p.done), p.clients)
}

// show writes the progress to w once a second, starting after one second. It returns a
// function that stops this and erases the text.
func (p *progress) show(w io.Writer) (erase func()) {
	finished := make(chan struct{})
	var shown sync.WaitGroup
	shown.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		text := ""
		for {
			select {
			case <-tick.C:
				text = p.String() // never shorter than the previous text
				fmt.Fprintf(w, "\r%s", text)
			case <-finished:
				if text != "" {
					fmt.Fprintf(w, "\r%s\r", strings.Repeat(" ", len(text)))
				}
				return
			}
		}
	})
	return func() {
		close(finished)
		shown.Wait()
	}
}

// isTerminal reports whether w is a character device, as a terminal is.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
