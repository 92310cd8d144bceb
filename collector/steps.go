package collector

import (
	"context"
	"fmt"
	"net/http/httptrace"
	"strings"
	"sync"
	"time"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// steps are what happens to a probe, for people who look for the cause of a problem. A nil
// *steps records nothing.
type steps struct {
	begun time.Time

	mu    sync.Mutex
	lines strings.Builder
}

func newSteps(begun time.Time) *steps { return &steps{begun: begun} }

func (s *steps) add(format string, args ...any) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(&s.lines, "%8.3fs  %s\n", time.Since(s.begun).Seconds(), fmt.Sprintf(format, args...))
}

// String returns one line for each step so far.
func (s *steps) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lines.String()
}

// tell adds a step to the probes that wait for client i of a session.
func (f *Fetcher) tell(of *session, i int, format string, args ...any) {
	for _, s := range f.scrapes {
		if s.steps != nil && s.waitsFor(of, i) {
			s.steps.add(format, args...)
		}
	}
}

// tellWaiting says what a probe that has begun waits for.
func (f *Fetcher) tellWaiting(s *scrape, i int) {
	switch r := s.requests[i]; {
	case s.steps == nil || s.answered(i):
	case r == nil:
		s.steps.add("waiting for its turn: %d of %d requests are in flight", f.inFlight, f.slots())
	case r.sent.Before(s.started):
		s.steps.add("waiting for a request that was made %.3fs ago, by another scrape", s.started.Sub(r.sent).Seconds())
	}
}

// traced returns a context that reports the steps of a request to the probes that wait for it.
func (f *Fetcher) traced(ctx context.Context, r *request) context.Context {
	for _, s := range f.scrapes {
		if s.steps != nil && s.waitsFor(r.session, r.index) {
			ctx = s.steps.trace(ctx)
		}
	}
	return ctx
}

func (s *steps) trace(ctx context.Context) context.Context {
	ctx = igsend.WithTrace(ctx, &igsend.Trace{GotAnswer: func(status int, messageID int64, message string) {
		s.add("  HTTP status %d, MessageID %d, Message %q", status, messageID, message)
	}})
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSDone: func(info httptrace.DNSDoneInfo) {
			if info.Err == nil {
				s.add("  the name resolves to %v", info.Addrs)
			}
		},
		ConnectDone: func(_, address string, err error) {
			if err == nil {
				s.add("  connected to %s", address)
			}
		},
		GotConn: func(info httptrace.GotConnInfo) {
			if info.Reused {
				s.add("  reusing an open connection")
			} else {
				s.add("  the new connection is ready")
			}
		},
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if info.Err == nil {
				s.add("  request written")
			}
		},
		GotFirstResponseByte: func() { s.add("  the answer begins") },
	})
}

// tellAnswer says what came of an attempt.
func (f *Fetcher) tellAnswer(r *request, balances []igsend.Balance, err *igsend.Error, now time.Time) {
	took := now.Sub(r.sent).Seconds()
	if err != nil {
		f.tell(r.session, r.index, "attempt %d failed after %.3fs: %v", r.attempts, took, err)
	} else {
		f.tell(r.session, r.index, "attempt %d answered after %.3fs", r.attempts, took)
	}
	for _, b := range balances {
		f.tell(r.session, r.index, "  %s %s, reported as %q, %s", b.Currency, b.Amount, b.Reported, b.State)
	}
}
