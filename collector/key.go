package collector

import (
	"cmp"
	"slices"
	"time"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// Refused keys. IGSend may lock an account whose keys are refused again and again. But
// a refusal can also be about one client only, and must then cost no other client its
// balance. So refusals of different clients are counted from the last acceptance on:
//
//	one           everybody is asked, within a limit on what may be refused
//	two           the key is in doubt: one request at a time
//	three, more   it is refused: each scrape makes one request to test it
//
// An acceptance, any answer that speaks of the client, ends the count.
type key struct {
	keys      igsend.Keys
	inFlight  int       // requests; those for slow clients only if they test the key
	refusals  []refusal // of different clients in a row
	refusedAt time.Time // the latest refusal
	probedAt  time.Time // the latest test for a probe; zero once the key is accepted
}

// A refusal is known when the client was refused last time as well: it then counts for the
// scrape at hand only.
type refusal struct {
	client *client
	known  bool
}

// minRefusals is how many refusals it takes to decide, however small concurrency is.
const minRefusals = 3

func (k *key) inDoubt() bool { return len(k.refusals) >= 2 }
func (k *key) refused() bool { return len(k.refusals) >= minRefusals }

// withdrawn reports whether clients that were not refused before have been refused.
func (k *key) withdrawn() bool {
	return slices.ContainsFunc(k.refusals, func(r refusal) bool { return !r.known })
}

// mayAsk reports whether any client may be asked. After the first refusal, no more may be
// refused or unanswered than there are slots: if the key was withdrawn, that is how many
// requests IGSend refuses.
func (k *key) mayAsk(slots int) bool {
	return len(k.refusals) == 0 || len(k.refusals) == 1 && 1+k.inFlight < max(slots, minRefusals)
}

// mayTest reports whether one client may be asked to find out about a key in doubt.
func (k *key) mayTest() bool { return k.inDoubt() && k.inFlight == 0 }

// A standing is what a client's last answer said of a key. A client that was asked to find
// out about a withdrawn key, and failed in another way, counts as refused: the next test must
// not go to it again.
type standing struct {
	key       *key
	accepted  bool
	refusedAt time.Time // zero if the answer was no refusal
}

func (k *key) lastRefused(c *client) bool  { return c.standing.key == k && !c.standing.accepted }
func (k *key) lastAccepted(c *client) bool { return c.standing.key == k && c.standing.accepted }

// learn takes what an answer says of the key; most failures say nothing.
func (f *Fetcher) learn(r *request, err *igsend.Error, now time.Time) {
	k := r.key
	accepted := err == nil || err.KeysAccepted()
	refused := err != nil && err.KeysRefused()
	known := k.lastRefused(r.client)
	// A client that was refused before tells nothing new, unless it was asked to find out. A
	// test that failed otherwise ends the scrape only if the key seems to be withdrawn.
	tells := !r.canceled && (refused && !known || r.keyTest && (refused || k.withdrawn()))
	switch {
	case accepted && r.sent.Before(k.refusedAt):
		// The key may have been withdrawn since: a doubt stays, for another client to clear.
		k.refusals = k.refusals[:min(len(k.refusals), 2)]
	case accepted:
		k.refusals, k.probedAt = nil, time.Time{}
	case refused:
		k.refusedAt = now
		if !slices.ContainsFunc(k.refusals, func(other refusal) bool { return other.client == r.client }) {
			k.refusals = append(k.refusals, refusal{r.client, known})
		}
	}
	if accepted || refused || r.keyTest && k.withdrawn() && !r.canceled {
		r.client.standing = standing{key: k, accepted: accepted}
		if refused {
			r.client.standing.refusedAt = now
		}
	}
	for _, s := range f.scrapes {
		switch {
		case accepted && s.key == k:
			s.keyTested = false
		case !accepted && tells && k.refused() && s.key == k && (s.probe || s.waitsFor(r.session, r.index)):
			s.keyTested = true
		}
	}
}

// forgetKnown drops the known refusals. Without it, clients that are refused on their own
// would leave a doubt at the end of each scrape, and the next one would begin with a test.
func (k *key) forgetKnown() {
	k.refusals = slices.DeleteFunc(k.refusals, func(r refusal) bool { return r.known })
}

// The ranks of clients by how much their answers will tell about a key in doubt.
const (
	acceptedRank = iota // IGSend accepted it last time
	newRank
	slowRank // it may never answer
	refusedRank
)

func (k *key) testRank(c *client) int {
	switch {
	case k.lastRefused(c):
		return refusedRank
	case c.slow:
		return slowRank
	case k.lastAccepted(c):
		return acceptedRank
	}
	return newRank
}

// compareTests orders clients by how well they test a key in doubt, best first. Among
// equals, the one whose last outcome is oldest comes first, with two exceptions. Of those
// accepted last time, the latest: it is the least likely to be refused on its own since. If
// the doubt comes from clients that are refused on their own, of these the latest: they may
// have been refused with all others.
func (k *key) compareTests(a, b *client) int {
	switch rank := k.testRank(a); {
	case rank != k.testRank(b):
		return cmp.Compare(rank, k.testRank(b))
	case rank == acceptedRank, rank == refusedRank && !k.withdrawn():
		return byTurn(b, a)
	}
	return byTurn(a, b)
}

// keyTest returns the client that is asked to test a key in doubt: the best of those that a
// scrape waits for. A better one may be paused before a retry, and is waited for.
func (f *Fetcher) keyTest() (of *session, index int) {
	var best *client
	for _, s := range f.scrapes {
		if !s.key.mayTest() || s.keyTested && s.key.refused() || s.full() {
			continue
		}
		for _, queue := range [][]int{s.queue.fast, s.queue.slow} {
			for _, i := range queue {
				if c := s.clients[i]; s.canAsk(i) && (best == nil || s.key.compareTests(c, best) < 0) {
					best, of, index = c, s.session, i
				}
			}
		}
	}
	if best != nil && of.key.lastRefused(best) {
		for _, r := range of.requests {
			if r.pause != nil && !of.key.lastRefused(r.client) {
				return nil, 0
			}
		}
	}
	return of, index
}
