package collector

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
	"unique"

	"github.com/shopspring/decimal"

	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// A world is the IGSend of a chaos test: clients that misbehave, keys that come and
// go. It remembers what it answered and what follows from that, on its own.
type world struct {
	t     *testing.T
	seed  uint64
	begun time.Time

	mu       sync.Mutex
	failures int
	members  map[igsend.ClientID]*member
	refused  map[igsend.Keys]bool // withdrawn keys
	keyFile  bool                 // can be read
	current  *chaosAPI

	number    int64 // of the latest balance; makes each one unique
	byAmount  map[string]*delivery
	byError   map[*igsend.Error]*delivery
	inFlight  int
	lastBegin time.Time // of a request under the current settings
	last429   time.Time
	lastJoin  time.Time
	silent    time.Time
	denials   map[igsend.Keys]int // answers 401 to all, by key
	scrapes   int                 // started, ever
	underWay  int                 // scrapes
	group     int                 // of scrapes that overlap, the latest
	apis      []*chaosAPI         // all that ever were
	failed    map[*client]*failures
}

// Failures are those of a client that scrapes were told of. Each counts at most once.
// Scrapes that overlap may share one, scrapes of two groups can't.
type failures struct {
	scrapes, groups int
	group           int // the latest with a failure
}

// A member is one client account at IGSend.
type member struct {
	rng   *rand.Rand
	mode  mode
	pence int64
	asked time.Time
}

// A mode is how a client behaves.
type mode int

const (
	healthy mode = iota
	moody        // fails for a moment, every third time
	hanging      // never answers
	overdue      // answers after the request's own timeout
	lonely       // 401, for this client alone
	barred       // 403
	rejecting
	broken // one row of two is bad
	erring // 500
	limiting
	modes
	withdrawn // 401, for all who use the key
)

// A chaosAPI is the world as one set of settings sees it.
type chaosAPI struct {
	*world
	config   *config.Config
	accounts map[igsend.ClientID]*reference
	open     map[question]int // requests in flight
	closed   bool             // with nothing in flight
}

type question struct {
	keys igsend.Keys
	id   igsend.ClientID
}

// A delivery is one answer that was given.
type delivery struct {
	api      *chaosAPI
	question question
	begin    time.Time
	end      time.Time
	balances []igsend.Balance
	err      *igsend.Error
}

// A reference is what the money of one account comes to by the world's own books.
type reference struct {
	balance            map[string]decimal.Decimal
	source             map[string]source
	increase, decrease map[string]decimal.Decimal
}

func newReference() *reference {
	amounts := func() map[string]decimal.Decimal { return map[string]decimal.Decimal{} }
	return &reference{amounts(), map[string]source{}, amounts(), amounts()}
}

// record adds a movement. An answer of another source than the current moves nothing.
func (r *reference) record(b igsend.Balance, from, current source) {
	last, ok := r.source[b.Currency]
	if from != current {
		return
	}
	change := b.Amount.Sub(r.balance[b.Currency])
	if ok && last == from && change.Sign() > 0 {
		r.increase[b.Currency] = r.increase[b.Currency].Add(change)
	}
	if ok && last == from && change.Sign() < 0 {
		r.decrease[b.Currency] = r.decrease[b.Currency].Sub(change)
	}
	r.balance[b.Currency], r.source[b.Currency] = b.Amount, from
}

func (a *chaosAPI) source() source {
	return unique.Make(origin{endpoint: a.config.API.Endpoint, unit: a.config.API.BalanceUnit})
}

// Balances answers as the client's mode was when the request came in, with a balance
// as it is when the answer goes out.
func (a *chaosAPI) Balances(ctx context.Context, keys igsend.Keys, id igsend.ClientID) ([]igsend.Balance, error) {
	d := &delivery{api: a, question: question{keys, id}, begin: time.Now()}
	mode, latency := a.begin(d)
	timeout := time.NewTimer(a.config.API.RequestTimeout)
	defer timeout.Stop()
	answer := time.NewTimer(latency)
	defer answer.Stop()
	select {
	case <-ctx.Done():
		a.drop(d)
		return nil, &igsend.Error{ClientID: id, Reason: igsend.ContextReason(ctx)}
	case <-timeout.C:
		a.end(d, func() *igsend.Error { return &igsend.Error{Reason: igsend.ReasonTimeout} })
	case <-answer.C:
		a.end(d, func() *igsend.Error { return a.answer(d, mode) })
	}
	if d.err != nil {
		return d.balances, d.err
	}
	return d.balances, nil
}

// begin takes a request in and decides what becomes of it.
func (a *chaosAPI) begin(d *delivery) (mode, time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.checkRequest(d)
	a.inFlight++
	a.open[d.question]++
	m := a.members[d.question.id]
	m.asked = d.begin
	latency := 10*time.Millisecond + time.Duration(m.rng.Int64N(int64(190*time.Millisecond)))
	mode := m.mode
	switch {
	case mode == hanging:
		latency = time.Hour
	case mode == overdue:
		latency += a.config.API.RequestTimeout
	case a.refused[d.question.keys]:
		mode = withdrawn
	case mode == moody && m.rng.IntN(3) > 0:
		mode = healthy
	}
	return mode, latency
}

// answer says what a mode answers.
func (a *chaosAPI) answer(d *delivery, mode mode) *igsend.Error {
	id, m := d.question.id, a.members[d.question.id]
	m.pence += m.rng.Int64N(200_000) - 100_000
	currencies := []string{"GBP"}
	if id%3 == 0 {
		currencies = []string{"EUR", "GBP"}
	}
	good := func(currencies []string) {
		for _, currency := range currencies {
			a.number++
			amount := decimal.New(m.pence*1e9+a.number, -11)
			d.balances = append(d.balances, igsend.Balance{Amount: amount, Currency: currency, State: igsend.StateInCredit})
		}
	}
	switch mode {
	case moody:
		return &igsend.Error{Reason: igsend.ReasonHTTP, HTTPStatus: 503, Transient: true}
	case lonely, withdrawn:
		if mode == withdrawn {
			a.denials[d.question.keys]++
		}
		return &igsend.Error{Reason: igsend.ReasonUnauthorized, HTTPStatus: 401}
	case barred:
		return &igsend.Error{Reason: igsend.ReasonUnauthorized, HTTPStatus: 403}
	case rejecting:
		return &igsend.Error{Reason: igsend.ReasonRejected, HTTPStatus: 200, MessageID: 10009}
	case broken:
		good(currencies[:1])
		return &igsend.Error{Reason: igsend.ReasonMalformed, HTTPStatus: 200}
	case erring:
		return &igsend.Error{Reason: igsend.ReasonHTTP, HTTPStatus: 500}
	case limiting:
		wait := time.Duration(m.rng.IntN(3)) * 20 * time.Second
		a.last429, a.silent = time.Now(), later(a.silent, time.Now().Add(wait))
		return &igsend.Error{Reason: igsend.ReasonRateLimited, HTTPStatus: 429, RetryAfter: wait}
	}
	good(currencies)
	return nil
}

// end gives an answer out, and books it.
func (a *chaosAPI) end(d *delivery, answer func() *igsend.Error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.returned(d)
	d.end = time.Now()
	if d.err = answer(); d.err != nil {
		d.err.ClientID = d.question.id
		a.byError[d.err] = d
	}
	for _, b := range d.balances {
		a.byAmount[b.Amount.String()] = d
		a.accounts[d.question.id].record(b, a.source(), a.current.source())
	}
}

// drop forgets a request that was cut short.
func (a *chaosAPI) drop(d *delivery) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.returned(d)
}

func (a *chaosAPI) returned(d *delivery) {
	a.inFlight--
	if a.open[d.question]--; a.open[d.question] == 0 {
		delete(a.open, d.question)
	}
}

// Close is called when the API is replaced, and again with each request that returns
// then: the last time, with nothing in flight.
func (a *chaosAPI) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = len(a.open) == 0
}

// errorf reports what went wrong, in which world and when; at most a few times.
func (w *world) errorf(format string, args ...any) {
	if w.failures++; w.failures <= 5 {
		w.t.Errorf("seed %d, after %s: %s", w.seed, time.Since(w.begun), fmt.Sprintf(format, args...))
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
