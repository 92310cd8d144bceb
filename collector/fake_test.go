package collector

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// fakeAPI answers without a network, so that time is virtual in a synctest bubble.
type fakeAPI struct {
	latency time.Duration
	answers map[igsend.ClientID]func(n int) reply // by client; n counts its calls from 1

	mu          sync.Mutex
	calls       []fakeCall
	count       map[igsend.ClientID]int
	inFlight    int
	maxInFlight int
	closed      int

	closedInFlight int // requests when it was closed
}

type fakeCall struct {
	id   igsend.ClientID
	keys igsend.Keys
	at   time.Time
}

// reply is what the fake answers. The zero reply is 100 GBP, in credit.
type reply struct {
	after    time.Duration // beside the latency
	balances []igsend.Balance
	err      *igsend.Error
}

func (a *fakeAPI) Balances(ctx context.Context, keys igsend.Keys, id igsend.ClientID) ([]igsend.Balance, error) {
	a.mu.Lock()
	a.calls = append(a.calls, fakeCall{id, keys, time.Now()})
	a.inFlight++
	a.maxInFlight = max(a.maxInFlight, a.inFlight)
	if a.count == nil {
		a.count = map[igsend.ClientID]int{}
	}
	a.count[id]++
	n, answer := a.count[id], a.answers[id]
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		a.inFlight--
		a.mu.Unlock()
	}()
	r := reply{balances: gbp("100")}
	if answer != nil {
		r = answer(n)
	}
	if r.after < 0 {
		<-ctx.Done()
	} else {
		select {
		case <-time.After(a.latency + r.after):
		case <-ctx.Done():
		}
	}
	if ctx.Err() != nil {
		return nil, &igsend.Error{ClientID: id, Reason: igsend.ContextReason(ctx)}
	}
	if r.err != nil {
		err := *r.err
		err.ClientID = id
		return r.balances, &err
	}
	return r.balances, nil
}

func (a *fakeAPI) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed++
	a.closedInFlight = a.inFlight
}

// set makes id answer with r from now on.
func (a *fakeAPI) set(id igsend.ClientID, r reply) {
	a.setFunc(id, func(int) reply { return r })
}

func (a *fakeAPI) setFunc(id igsend.ClientID, answer func(n int) reply) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.answers == nil {
		a.answers = map[igsend.ClientID]func(int) reply{}
	}
	a.answers[id] = answer
}

// asked returns who was asked since the last call of asked, in order; those asked at
// the same time, by their IDs.
func (a *fakeAPI) asked() []igsend.ClientID {
	a.mu.Lock()
	defer a.mu.Unlock()
	slices.SortStableFunc(a.calls, func(x, y fakeCall) int {
		return cmp.Or(x.at.Compare(y.at), cmp.Compare(x.id, y.id))
	})
	ids := []igsend.ClientID{}
	for _, call := range a.calls {
		ids = append(ids, call.id)
	}
	a.calls = nil
	return ids
}

// never is a client that never answers; the request's own timeout is up to the fake,
// as it is to the real client.
var never = reply{after: -1}

// timesOut is a client whose request times out by itself after d.
func timesOut(d time.Duration) reply {
	return reply{after: d, err: &igsend.Error{Reason: igsend.ReasonTimeout}}
}

func fails(reason igsend.Reason, status int) reply {
	return reply{err: &igsend.Error{Reason: reason, HTTPStatus: status}}
}

var (
	denied      = fails(igsend.ReasonUnauthorized, 401)
	forbidden   = fails(igsend.ReasonUnauthorized, 403)
	unavailable = reply{err: &igsend.Error{Reason: igsend.ReasonHTTP, HTTPStatus: 503, Transient: true}}
)

func gbp(amount string) []igsend.Balance {
	return []igsend.Balance{balanceOf(amount, "GBP", "IN_CREDIT")}
}

func balanceOf(amount, currency, state string) igsend.Balance {
	return igsend.Balance{Amount: decimal.RequireFromString(amount), Reported: amount, Currency: currency, State: state}
}

// ids returns the client IDs from first to last.
func ids(first, last igsend.ClientID) []igsend.ClientID {
	var all []igsend.ClientID
	for id := first; id <= last; id++ {
		all = append(all, id)
	}
	return all
}

// settings returns a configuration for the clients, changed by change if it is not nil.
func settings(api API, clients []igsend.ClientID, change func(*config.API)) Settings {
	cfg := &config.Config{API: config.API{
		Endpoint: "https://igsend.example/", Concurrency: 4, RequestTimeout: 5 * time.Second, MaxAttempts: 2,
		BalanceUnit: igsend.UnitMajor, Keys: igsend.KeySource{Public: "public", Private: "private"},
	}}
	for _, id := range clients {
		cfg.Clients = append(cfg.Clients, config.Client{ID: id})
	}
	if change != nil {
		change(&cfg.API)
	}
	return Settings{Config: cfg, API: api}
}

func newTestFetcher(api API, clients []igsend.ClientID, change func(*config.API)) *Fetcher {
	return NewFetcher(settings(api, clients, change), slog.New(slog.DiscardHandler))
}

// scrapeAll asks for all within d and returns each client's reason, "" for a whole
// answer.
func scrapeAll(t *testing.T, f *Fetcher, d time.Duration) map[igsend.ClientID]igsend.Reason {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	return reasons(f.Fetch(ctx))
}

func reasons(answers []Answer) map[igsend.ClientID]igsend.Reason {
	all := map[igsend.ClientID]igsend.Reason{}
	for _, a := range answers {
		all[a.ClientID] = ""
		if a.Err != nil {
			all[a.ClientID] = a.Err.Reason
		}
	}
	return all
}

// allWith returns what scrape does when every client has the same reason.
func allWith(reason igsend.Reason, clients []igsend.ClientID) map[igsend.ClientID]igsend.Reason {
	all := map[igsend.ClientID]igsend.Reason{}
	for _, id := range clients {
		all[id] = reason
	}
	return all
}

// errorCounts returns the errors counted so far, by client and reason.
func errorCounts(f *Fetcher) map[igsend.ClientID]map[igsend.Reason]float64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := map[igsend.ClientID]map[igsend.Reason]float64{}
	for id, c := range f.clients {
		for _, e := range c.errors {
			if all[id] == nil {
				all[id] = map[igsend.Reason]float64{}
			}
			all[id][e.reason] = e.counter.GetValue()
		}
	}
	return all
}

// keyFiles writes a pair of keys to files and returns their source.
func keyFiles(t *testing.T, private string) igsend.KeySource {
	t.Helper()
	dir := t.TempDir()
	source := igsend.KeySource{PublicFile: filepath.Join(dir, "public"), PrivateFile: filepath.Join(dir, "private")}
	writeFile(t, source.PublicFile, "public\n")
	writeFile(t, source.PrivateFile, private+"\n")
	return source
}

func writeFile(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
