// Package igsendtest simulates the IGSend API for tests, benchmarks and the demo. It is to
// package igsend what net/http/httptest is to net/http.
//
// A [Server] listens on loopback. The [API] inside it holds the clients, checks every
// request against IGSend's documentation of the Client Balance method, answers as
// documented, and counts requests and connections. A [Fault] replaces the documented
// answer, for one call, for one client or for all clients:
//
//	srv := igsendtest.NewTLSServer(keys)
//	defer srv.Close()
//	srv.SetClient(100045, igsendtest.Client{Rows: []igsendtest.Row{{Balance: "1400000", Currency: "GBP"}}})
//	srv.Script(100045, igsendtest.Status(503), nil, igsendtest.Reset)
//
// The simulation is strict about everything that IGSend documents, so that it detects a
// client that departs from the documentation. For everything else there are faults.
package igsendtest

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// Path is the path of the Client Balance method, with its final slash.
const Path = "/services/clientbalance/"

// An API is the simulated IGSend API: an [http.Handler] with the clients' accounts,
// the faults and the counts. Its methods are safe for concurrent use. It uses the time
// package to wait and stops waiting when the request's context is done, so it works in
// a testing/synctest bubble.
//
// The answer to a call, balances included, is chosen when the call arrives. The latency
// follows after that.
type API struct {
	mu       sync.Mutex
	keys     igsend.Keys
	refusal  Fault
	latency  time.Duration
	fault    Fault
	accounts map[igsend.ClientID]*account
	stats    Stats
	open     int // connections

	busy sync.WaitGroup // handlers, and connections
}

// An account is what the API knows about one client ID.
type account struct {
	state  func(now time.Time) Client // nil: IGSend doesn't know the client
	fault  Fault
	script []Fault
}

// NewAPI returns an API that accepts the given keys and knows no client yet.
func NewAPI(keys igsend.Keys) *API {
	return &API{keys: keys, accounts: make(map[igsend.ClientID]*account)}
}

// SetClient sets what the API answers for the client, from the next call on.
func (a *API) SetClient(id igsend.ClientID, c Client) {
	c = c.clone()
	a.SetClientFunc(id, func(time.Time) Client { return c })
}

// SetClientFunc is like SetClient, but for balances and states that change. The API calls
// state on every request, with the time of the request, and may call it concurrently.
func (a *API) SetClientFunc(id igsend.ClientID, state func(now time.Time) Client) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.account(id).state = state
}

// SetKeys replaces the keys. The API refuses calls with any other keys.
func (a *API) SetKeys(keys igsend.Keys) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.keys = keys
}

// SetLatency sets how long every call takes, except for clients that have their own
// latency.
func (a *API) SetLatency(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.latency = d
}

// SetRefusal sets the fault that answers calls with the wrong keys. If it is nil, [Refused]
// answers them.
func (a *API) SetRefusal(f Fault) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refusal = f
}

// SetFault sets a fault that answers for every client, until it is set to nil. Like every
// fault, it answers only calls with the right keys; other calls are refused.
func (a *API) SetFault(f Fault) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fault = f
}

// SetClientFault sets a fault that answers for this client, until it is set to nil. It
// takes precedence over the fault for all clients: with [Documented], the client gets
// normal answers. With [Refused], the keys have no access to the client.
func (a *API) SetClientFault(id igsend.ClientID, f Fault) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.account(id).fault = f
}

// Script sets the faults that answer the client's next calls, one fault for each call. They
// take precedence over any other fault. If a fault is nil, its call is answered as without
// a script. A call with the wrong keys does not use up a fault. A new script replaces the
// rest of the previous one.
func (a *API) Script(id igsend.ClientID, faults ...Fault) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.account(id).script = slices.Clone(faults)
}

// account returns the account of the client, which may be new and empty.
func (a *API) account(id igsend.ClientID) *account {
	if a.accounts[id] == nil {
		a.accounts[id] = &account{}
	}
	return a.accounts[id]
}

// ServeHTTP answers one call.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.busy.Add(1)
	defer a.busy.Done()
	c := a.arrive(r)
	pause(r, c.latency)
	c.fault(w, r, c.documented)
}

// A call is what was decided about a request when it arrived.
type call struct {
	documented Answer
	fault      Fault
	latency    time.Duration
}

func (a *API) arrive(r *http.Request) call {
	now := time.Now()
	id, violation := check(r)

	a.mu.Lock()
	a.stats.count(violation)
	c := call{
		documented: unknownClient(),
		fault:      a.chooseFault(id, violation, authorizes(r, a.keys)),
		latency:    a.latency,
	}
	var state func(time.Time) Client
	if account := a.accounts[id]; account != nil {
		state = account.state
	}
	a.mu.Unlock()

	if state == nil {
		return c
	}
	client := state(now)
	if client.Latency > 0 {
		c.latency = client.Latency
	}
	c.documented = Answer{Status: http.StatusOK, Body: client.render(id)}
	return c
}

// chooseFault returns the fault that answers the call. It removes the next step from the
// script if the call is valid and has the right keys.
func (a *API) chooseFault(id igsend.ClientID, v *violation, authorized bool) Fault {
	if v != nil {
		return StatusBody(v.status, v.reason+"\n")
	}
	if !authorized {
		if a.refusal != nil {
			return a.refusal
		}
		return Refused
	}
	var step, own Fault
	if account := a.accounts[id]; account != nil {
		if len(account.script) > 0 {
			step, account.script = account.script[0], account.script[1:]
		}
		own = account.fault
	}
	for _, fault := range []Fault{step, own, a.fault} {
		if fault != nil {
			return fault
		}
	}
	return Documented
}
