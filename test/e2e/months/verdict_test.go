package months

import (
	"fmt"
	"sort"
	"strings"
	"testing"
	"time"
)

// An expectation is an alert about missing or wrong data that a trouble must cause. It must fire at some time between
// from and to, and at no other time.
type expectation struct {
	alert    string
	from, to time.Duration
}

// A claim says when an alert about money has to fire. It must fire once must has been true for long enough. It may fire
// only while may is true or was true a moment ago. The margin between them is what can't be known from outside.
type claim struct {
	must, may     bool
	patience      time.Duration // the alert's `for`, a scrape and an evaluation
	afterglow     time.Duration // the alert's keep_firing_for, a scrape and an evaluation
	mustSince     time.Duration
	lastMay       time.Duration
	everMay, held bool
}

// A verdict counts what was wrong.
type verdict struct {
	every   time.Duration // scrape and evaluation interval
	claims  map[string]*claim
	expects []expectation
	met     []bool
	wrong   map[string]int // minutes, by problem
	firstAt map[string]time.Duration
	fired   map[string]time.Duration // when each alert fired first
	minutes map[string]int
}

func newVerdict(every time.Duration, expects []expectation) *verdict {
	return &verdict{
		every:  every,
		claims: map[string]*claim{}, expects: expects, met: make([]bool, len(expects)),
		wrong: map[string]int{}, firstAt: map[string]time.Duration{},
		fired: map[string]time.Duration{}, minutes: map[string]int{},
	}
}

// update sets the claims about every account, from what an exporter could have seen.
func (v *verdict) update(w *world, now time.Duration) {
	runways := map[string][2]bool{}
	for _, a := range w.accounts {
		known, ok := w.known[a]
		if !ok {
			v.forget(a)
			continue
		}
		balance := float64(known)
		v.set("IGSendBalanceEmpty "+a.client+" "+a.currency+" critical", balance <= 0, balance <= 0, 2*time.Minute, 5*time.Minute)
		for severity, threshold := range a.thresholds {
			low := balance < threshold
			v.set("IGSendBalanceLow "+a.client+" "+a.currency+" "+severity, low, low, 2*time.Minute, 5*time.Minute)
		}
		if w.unknown(now, a.client) {
			continue // the last known claims stay
		}
		pace := max(a.spent(now, 24*time.Hour), a.spent(now, 7*24*time.Hour)/7)
		for severity, target := range a.runway {
			seconds := max(balance, 0) / pace * 86400
			// If 24 hours ago was during an outage, nobody can know what the account spent since then.
			must := pace > 0 && seconds < 0.9*target.Seconds() && !w.unknown(now-24*time.Hour, a.client) && now-w.knownSince[a] > 24*time.Hour
			may := pace > 0 && seconds < 1.05*target.Seconds()
			// One alert for all currencies of a client.
			r := runways["IGSendRunwayShort "+a.client+" "+severity]
			runways["IGSendRunwayShort "+a.client+" "+severity] = [2]bool{r[0] || must, r[1] || may}
		}
	}
	for key, r := range runways {
		v.set(key, r[0], r[1], 30*time.Minute, 75*time.Minute)
	}
}

// forget ends the claims about an account that nobody watches any more.
func (v *verdict) forget(a *account) {
	for key, c := range v.claims {
		if fields := strings.Fields(key); fields[1] == a.client {
			c.must, c.may = false, false
		}
	}
}

// unknown reports whether no exporter could see the client's balance.
func (w *world) unknown(now time.Duration, client string) bool {
	return in(w.unscraped, now, "") || in(w.apiDown, now, client) || in(w.keyRefused, now, client) || !w.anybody(now)
}

func (w *world) anybody(now time.Duration) bool {
	for _, p := range w.processes {
		if p.from <= now && now < p.to {
			return true
		}
	}
	return false
}

func (v *verdict) set(key string, must, may bool, patience, afterglow time.Duration) {
	c := v.claims[key]
	if c == nil {
		// An alert may be late by a scrape, an evaluation, and the rounding of `for`.
		c = &claim{patience: patience + 3*v.every, afterglow: afterglow + 3*v.every}
		v.claims[key] = c
	}
	c.must, c.may = must, may
}

// judge compares what fires now with what should.
func (v *verdict) judge(now time.Duration, firing []string) {
	is := map[string]bool{}
	for _, key := range firing {
		is[key] = true
		v.minutes[key] += int(v.every / time.Minute)
		if _, ok := v.fired[key]; !ok {
			v.fired[key] = now
		}
	}
	for key, c := range v.claims {
		if !c.must {
			c.held = false
		} else if !c.held {
			c.held, c.mustSince = true, now
		}
		if c.may {
			c.everMay, c.lastMay = true, now
		}
		if c.held && now-c.mustSince >= c.patience && !is[key] {
			v.count("missed "+key, now)
		}
		if is[key] && (!c.everMay || now-c.lastMay > c.afterglow) {
			v.count("false "+key, now)
		}
	}
	for _, key := range firing {
		if v.claims[key] != nil || strings.HasPrefix(key, "IGSendWatchdog") {
			continue
		}
		expected := false
		for i, e := range v.expects {
			if e.alert == key && e.from <= now && now <= e.to {
				expected, v.met[i] = true, true
			}
		}
		if !expected {
			v.count("false "+key, now)
		}
	}
}

// judgeRunways compares the runways that are published with the true ones. On the first day of an account there is none.
func (v *verdict) judgeRunways(w *world, now time.Duration, published map[string]float64) {
	for _, a := range w.accounts {
		key := a.client + " " + a.currency
		runway, found := published[key]
		if _, ok := w.known[a]; !ok || now-w.knownSince[a] < 24*time.Hour {
			if found {
				v.count("runway before a day is known: "+key, now)
			}
			continue
		}
		if !found || w.unknown(now-24*time.Hour, a.client) {
			continue
		}
		week := min(now-w.knownSince[a], 7*24*time.Hour)
		// A payout at either end of the day may be counted or not.
		const slack = 30 * time.Minute
		most := max(a.spent(now, 24*time.Hour+slack), a.spent(now, week+slack)/7) / 86400
		least := max(a.spent(now, 24*time.Hour-slack), a.spent(now, week-slack)/7) - a.spent(now, slack)
		balance := max(float64(a.balance), 0)
		if w.paced && (runway < 0.9*balance/most || runway > 1.1*balance/(least/86400)) {
			v.count("wrong runway: "+key, now)
		}
	}
}

func (v *verdict) count(what string, now time.Duration) {
	if _, ok := v.firstAt[what]; !ok {
		v.firstAt[what] = now
	}
	v.wrong[what] += int(v.every / time.Minute)
}

func (v *verdict) report(t *testing.T) {
	t.Helper()
	for i, e := range v.expects {
		if !v.met[i] {
			t.Errorf("missed %s between %s and %s", e.alert, clock(e.from), clock(e.to))
		}
	}
	var lines []string
	for what, minutes := range v.wrong {
		lines = append(lines, fmt.Sprintf("%s: %d minutes, first at %s", what, minutes, clock(v.firstAt[what])))
	}
	sort.Strings(lines)
	for _, line := range lines {
		t.Error(line)
	}
	lines = lines[:0]
	for key, minutes := range v.minutes {
		if !strings.HasPrefix(key, "IGSendWatchdog") {
			lines = append(lines, fmt.Sprintf("%s fired for %dh%02dm, first at %s", key, minutes/60, minutes%60, clock(v.fired[key])))
		}
	}
	sort.Strings(lines)
	t.Log("\n" + strings.Join(lines, "\n"))
}

// clock writes a time since the start as a day and an hour.
func clock(d time.Duration) string {
	return fmt.Sprintf("day %d %02d:%02d", d/(24*time.Hour), d/time.Hour%24, d/time.Minute%60)
}
