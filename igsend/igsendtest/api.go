// Package igsendtest simulates the IGSend API, as net/http/httptest is for
// net/http: tests, benchmarks and the demo all talk to this one server.
//
// A [Server] listens on loopback; the [API] inside it holds the clients, checks every
// request against IGSend's documentation of the Client Balance method, answers as
// documented, and counts. A [Fault] answers in place of the documentation, for one
// call, for one client or for all:
//
//	srv := igsendtest.NewTLSServer(keys)
//	defer srv.Close()
//	srv.SetClient(100045, igsendtest.Client{Rows: []igsendtest.Row{{Balance: "1400000", Currency: "GBP"}}})
//	srv.Script(100045, igsendtest.Status(503), nil, igsendtest.Reset)
//
// The simulation is strict where the documentation speaks, so that a client that
// departs from it is noticed, and ready to be hostile where it is silent.
package igsendtest

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// Path is where the Client Balance method lives, slash included.
const Path = "/services/clientbalance/"

// An API is the simulated IGSend API: an [http.Handler] with the clients' accounts,
// the faults and the counts. All its methods may be called at any time, from any
// goroutine. It waits by the time package and ends waiting with the request's
// context, so it can be served inside a testing/synctest bubble.
//
// What a call is answered is decided, and its balance read, when it arrives;
// latency comes after that.
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

// SetClient makes the API answer for the client as c says, from the next call on.
func (a *API) SetClient(id igsend.ClientID, c Client) {
	c = c.clone()
	a.SetClientFunc(id, func(time.Time) Client { return c })
}

// SetClientFunc is SetClient for balances that move and states that change: state
// is asked at every call, with the time of the call. It may be called concurrently.
func (a *API) SetClientFunc(id igsend.ClientID, state func(now time.Time) Client) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.account(id).state = state
}

// SetKeys rotates the keys: calls that arrive with others are refused.
func (a *API) SetKeys(keys igsend.Keys) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.keys = keys
}

// SetLatency sets how long every call takes, except for clients that have a
// latency of their own.
func (a *API) SetLatency(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.latency = d
}

// SetRefusal makes f answer calls with the wrong keys, until it is set to nil. They
// are answered [Refused] otherwise.
func (a *API) SetRefusal(f Fault) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refusal = f
}

// SetFault makes f answer for every client, until it is set to nil. Like every
// fault it answers calls with the right keys only; the others are refused.
func (a *API) SetFault(f Fault) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fault = f
}

// SetClientFault makes f answer for this client, before the fault for all, until
// it is set to nil. [Documented] keeps the client out of the fault for all. [Refused]
// makes it a client that the keys have no right to.
func (a *API) SetClientFault(id igsend.ClientID, f Fault) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.account(id).fault = f
}

// Script makes the faults answer for the client's next calls, one each, before any
// other fault. Where it holds nil, the call goes as it would without the script. A
// call with the wrong keys uses nothing up. A new script replaces what is left of
// the one before.
func (a *API) Script(id igsend.ClientID, faults ...Fault) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.account(id).script = slices.Clone(faults)
}

// account returns what is known about the client, which may be nothing yet.
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

// A call is all that was decided about a request when it arrived.
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

// chooseFault returns what answers the call, and takes the script's next step when
// it has its turn.
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
