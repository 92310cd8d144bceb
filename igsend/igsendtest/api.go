// Package igsendtest simulates the IGSend API, as net/http/httptest is for
// net/http: tests, benchmarks and the demo all talk to this one server.
//
// A [Server] listens on loopback (or on in-memory connections, for virtual time);
// the [API] inside it holds the clients, checks every request against IGSend's
// documentation of the Client Balance method, answers as documented, and counts.
// A [Fault] answers in place of the documentation, for one call, for one client or
// for all:
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
	"bufio"
	"net"
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
	mu            sync.Mutex
	keys          igsend.Keys
	latency       time.Duration
	failureStatus int
	fault         Fault
	accounts      map[igsend.ClientID]*account

	tally tally
}

// An account is what the API knows about one client ID.
type account struct {
	state  func(now time.Time) Client // nil: IGSend doesn't know the client
	fault  Fault
	script []Fault
}

// NewAPI returns an API that accepts the given keys and knows no client yet.
func NewAPI(keys igsend.Keys) *API {
	return &API{
		keys:          keys,
		failureStatus: http.StatusOK,
		accounts:      make(map[igsend.ClientID]*account),
		tally:         tally{changed: make(chan struct{})},
	}
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

// Update changes the client in place. A client that moves stands still afterwards;
// one that was unknown is known. The function must not call the API.
func (a *API) Update(id igsend.ClientID, change func(*Client)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	account := a.account(id)
	var c Client
	if account.state != nil {
		c = account.state(time.Now()).clone()
	}
	change(&c)
	c = c.clone()
	account.state = func(time.Time) Client { return c }
}

// RemoveClient makes the client unknown, which IGSend documents to answer with
// status 2 and MessageID 10009. Its faults stay.
func (a *API) RemoveClient(id igsend.ClientID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.account(id).state = nil
}

// SetKeys rotates the keys: calls that arrive with others are answered 401.
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

// SetFailureStatus sets the HTTP status of the documented failure. IGSend's
// documentation does not tell it; it is 200 unless set.
func (a *API) SetFailureStatus(code int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failureStatus = code
}

// SetFault makes f answer for every client, until it is set to nil. Like every
// fault it answers calls with the right keys only; the others get their 401.
func (a *API) SetFault(f Fault) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fault = f
}

// SetClientFault makes f answer for this client, before the fault for all, until
// it is set to nil. [Documented] keeps the client out of the fault for all.
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
	c := a.arrive(r)
	defer a.tally.handlerEnds()
	defer c.answered()

	pause(r, c.latency)
	c.fault(&countedWriter{w, c.answered}, r, c.documented)
}

// A call is all that was decided about a request when it arrived.
type call struct {
	documented Answer
	fault      Fault
	latency    time.Duration
	answered   func() // the request is no longer in flight; only the first time counts
}

func (a *API) arrive(r *http.Request) call {
	now := time.Now()
	id, violation := check(r)

	a.mu.Lock()
	authorized := authorizes(r, a.keys)
	c := call{
		documented: unknownClient(a.failureStatus),
		fault:      a.chooseFault(id, violation, authorized),
		latency:    a.latency,
		// Counted under the lock, so that the log has the order of the scripts.
		answered: a.tally.requestArrives(Request{ClientID: id, Time: now, Authorized: authorized}, violation),
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
		return Unauthorized
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

// A countedWriter ends the call's time in flight when a fault takes the connection
// over: from then on the client may see the end of the answer, and ask again,
// before the fault returns.
type countedWriter struct {
	http.ResponseWriter
	answered func()
}

// Hijack is [http.Hijacker].
func (w *countedWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.answered()
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// Unwrap lets [http.ResponseController] flush.
func (w *countedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
