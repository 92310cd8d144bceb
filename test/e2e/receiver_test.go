package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// A message is a notification that arrived at one of the receiver's addresses.
type message struct {
	to, title, text string
}

// A receiver takes the place of the services behind the URLs in Alertmanager's secrets.
type receiver struct {
	url string

	mu       sync.Mutex
	messages []message
}

func startReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var payload struct {
			Attachments []struct{ Title, Text string }
		}
		if err := json.NewDecoder(req.Body).Decode(&payload); err != nil {
			t.Errorf("%s: %v", req.URL, err)
		}
		m := message{to: strings.TrimPrefix(req.URL.Path, "/")}
		for _, a := range payload.Attachments {
			m.title, m.text = m.title+a.Title, m.text+a.Text
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.messages = append(r.messages, m)
		_, _ = w.Write([]byte("ok"))
	}))
	t.Cleanup(srv.Close)
	r.url = srv.URL
	return r
}

// find returns the messages to an address whose title contains all the words.
func (r *receiver) find(to string, words ...string) []message {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []message
	for _, m := range r.messages {
		if m.to == to && containsAll(m.title, words...) {
			found = append(found, m)
		}
	}
	return found
}

func (r *receiver) wait(t *testing.T, to string, words ...string) message {
	t.Helper()
	eventually(t, fmt.Sprintf("a message to %s: %q", to, words), func() error {
		if len(r.find(to, words...)) > 0 {
			return nil
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		return fmt.Errorf("the messages are %q", r.messages)
	})
	return r.find(to, words...)[0]
}

func containsAll(s string, words ...string) bool {
	for _, w := range words {
		if !strings.Contains(s, w) {
			return false
		}
	}
	return true
}
