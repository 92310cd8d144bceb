// Package months runs the shipped rules, in Prometheus's own rule engine, through months of payouts, payrolls,
// weekends, top-ups, missed top-ups, outages and redeploys, minute by minute, and counts false and missed alerts.
package months

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

const (
	hour = time.Hour
	day  = 24 * time.Hour
	week = 7 * day
)

// A Monday, so that days 5 and 6 of every week are the weekend.
func monday() time.Time { return time.Date(2026, time.January, 5, 0, 0, 0, 0, time.UTC) }

func run(t *testing.T, w *world, interval, length time.Duration, expects ...expectation) *verdict {
	t.Helper()
	w.start()
	e, v := newEngine(t, interval), newVerdict(interval, expects)
	for now := time.Duration(0); now <= length; now += interval {
		at := monday().Add(now)
		e.scrape(t, at, w.scrape(monday(), now))
		firing := e.firing(t, at)
		v.update(w, now)
		v.judge(now, firing)
		if now%hour == 0 {
			v.judgeRunways(w, now, e.runways(t, at))
		}
	}
	v.report(t)
	return v
}

func weekend(at time.Duration) bool { return at%week >= 5*day }

// office pays out every half hour from nine to five on working days, about 10,000 a day.
func office(r *rand.Rand, length time.Duration) []flow {
	var flows []flow
	for d := time.Duration(0); d < length; d += day {
		if weekend(d) {
			continue
		}
		for at := d + 9*hour; at < d+17*hour; at += 30 * time.Minute {
			flows = append(flows, flow{at + time.Duration(r.IntN(20))*time.Minute, -int64(400 + r.IntN(450))})
		}
	}
	return flows
}

// batch pays out once a day around ten, on weekends too.
func batch(r *rand.Rand, length time.Duration, amount int64) []flow {
	var flows []flow
	for d := time.Duration(0); d < length; d += day {
		flows = append(flows, flow{d + 10*hour + time.Duration(r.IntN(25))*time.Minute, -amount * int64(90+r.IntN(20)) / 100})
	}
	return flows
}

// payroll pays out everything every four weeks, on a Thursday. It is topped up the day before.
func payroll(length time.Duration, amount int64) []flow {
	var flows []flow
	for d := 3 * day; d < length; d += 4 * week {
		flows = append(flows, flow{d - 15*hour, amount}, flow{d + 6*hour, -amount})
	}
	return flows
}

// steady pays out the same in every minute.
func steady(length time.Duration, amount int64) []flow {
	var flows []flow
	for at := time.Minute; at < length; at += time.Minute {
		flows = append(flows, flow{at, -amount})
	}
	return flows
}

// always pays out day and night.
func always(r *rand.Rand, length time.Duration) []flow {
	var flows []flow
	for at := time.Duration(0); at < length; at += time.Duration(5+r.IntN(40)) * time.Minute {
		flows = append(flows, flow{at, -int64(10 + r.IntN(180))})
	}
	return flows
}

// returned pays back some of the payouts, two days later.
func returned(r *rand.Rand, flows []flow) []flow {
	var back []flow
	for _, f := range flows {
		if r.IntN(10) == 0 {
			back = append(back, flow{f.at + 2*day, -f.amount})
		}
	}
	return append(flows, back...)
}

// topUps pays in at the same time every week, except in the missed weeks.
func topUps(first, length time.Duration, amount int64, missed ...int) []flow {
	var flows []flow
	for n, at := 0, first; at < length; n, at = n+1, at+week {
		skip := false
		for _, m := range missed {
			skip = skip || m == n
		}
		if !skip {
			flows = append(flows, flow{at, amount})
		}
	}
	return flows
}

func concat(all ...[]flow) []flow {
	var flows []flow
	for _, f := range all {
		flows = append(flows, f...)
	}
	return flows
}

// accounts returns accounts of five kinds of customer. missed are the weeks without a top-up.
func accounts(length time.Duration, missed ...int) []*account {
	r := rand.New(rand.NewPCG(1, 2))
	target := map[string]time.Duration{"warning": 3 * day, "critical": day}
	return []*account{
		{client: "1", currency: "GBP", opening: 50_000, runway: target,
			thresholds: map[string]float64{"warning": 25_000, "critical": 10_000},
			flows:      concat(returned(r, office(r, length)), topUps(8*hour, length, 45_000, missed...))},
		{client: "2", currency: "EUR", opening: 120_000, runway: target,
			thresholds: map[string]float64{"warning": 20_000, "critical": 5_000},
			flows:      concat(batch(r, length, 10_000), topUps(2*day+14*hour, length, 70_000, missed...))},
		{client: "3", currency: "GBP", opening: 30_000,
			thresholds: map[string]float64{"warning": 20_000},
			flows:      payroll(length, 250_000)},
		{client: "4", currency: "USD", opening: 60_000, runway: target,
			thresholds: map[string]float64{"critical": 5_000},
			flows:      concat(always(r, length), topUps(4*day+11*hour, length, 40_000, missed...))},
		{client: "4", currency: "JPY", opening: 9_000_000, runway: target,
			thresholds: map[string]float64{"critical": 1_000_000},
			flows:      concat(batch(r, length, 500_000), topUps(11*hour, length, 3_600_000, missed...))},
	}
}

// every lists the times from, from+step, … before to.
func every(step, from, to time.Duration) []time.Duration {
	var times []time.Duration
	for at := from; at < to; at += step {
		times = append(times, at)
	}
	return times
}

// caused returns the alerts that a trouble must cause. They may fire until shortly after it.
func caused(tr trouble, alerts ...string) []expectation {
	var expects []expectation
	for _, alert := range alerts {
		expects = append(expects, expectation{alert: alert, from: tr.from, to: tr.to + 30*time.Minute})
	}
	return expects
}

func TestHealthyMonths(t *testing.T) {
	t.Parallel()
	length := 4 * week
	w := &world{
		accounts:  accounts(length),
		processes: deploys(length, 3*day+11*hour, 3*day+11*hour+20*time.Minute, 12*day, 17*day+10*hour, 24*day+15*hour),
		// Blips: lost scrapes, and an API that is down for some minutes.
		unscraped: []trouble{{from: 5*day + 3*hour, to: 5*day + 3*hour + 5*time.Minute}, {from: 8*day + 10*hour, to: 8*day + 10*hour + 5*time.Minute}},
		apiDown:   []trouble{{from: 9*day + 10*hour, to: 9*day + 10*hour + 8*time.Minute}, {from: 20*day + 16*hour, to: 20*day + 16*hour + 8*time.Minute}},
	}
	v := run(t, w, 5*time.Minute, length)
	for key := range v.fired {
		if key != "IGSendWatchdog none" {
			t.Errorf("%s fired on healthy accounts", key)
		}
	}
}

// Accounts that appear, go and come back, of a client that pays out day and night and of one that pays out in office hours,
// while three fetches in a hundred fail on each of two replicas that restart at different times.
func TestComingAndGoing(t *testing.T) {
	t.Parallel()
	length := 12 * day
	r := rand.New(rand.NewPCG(5, 6))
	target := map[string]time.Duration{"warning": 3 * day, "critical": day}
	two := deploys(length, 1*day+9*hour, 6*day+15*hour)
	for _, p := range two {
		p.instance = "10.1" + p.instance[4:]
	}
	w := &world{
		accounts: []*account{
			{client: "1", currency: "GBP", opening: 90_000, runway: target, configured: []trouble{{from: 2*day + 13*hour, to: 20 * day}},
				flows: concat(office(r, length), topUps(8*hour, length, 50_000))},
			{client: "2", currency: "GBP", opening: 70_000, runway: target, configured: []trouble{{from: 0, to: 3 * day}, {from: 5 * day, to: 20 * day}},
				flows: concat(always(r, length), topUps(9*hour, length, 42_000))},
			// Nobody tops these up.
			{client: "3", currency: "GBP", opening: 100_000, runway: target, flows: steady(length, 100)},
			{client: "4", currency: "GBP", opening: 100_000, runway: target, configured: []trouble{{from: 6 * day, to: 20 * day}}, flows: steady(length, 8)},
		},
		processes: append(deploys(length, 4*hour, 20*hour, 5*day+10*hour), two...), flaky: 0.03, paced: true,
	}
	v := run(t, w, 5*time.Minute, length)
	empty := v.fired["IGSendBalanceEmpty 3 GBP critical"]
	if warned := v.fired["IGSendRunwayShort 3 critical"]; warned == 0 || empty-warned < 7*hour {
		t.Errorf("an account that is empty on its first day, at %s, has its warning at %s", clock(empty), clock(warned))
	}
	for key := range v.fired {
		if client := strings.Fields(key)[1]; client == "1" || client == "2" {
			t.Errorf("%s fired on a healthy account", key)
		}
	}
}

func TestHealthyWeekByTheMinute(t *testing.T) {
	t.Parallel()
	length := 8 * day
	w := &world{accounts: accounts(length)[:2], processes: deploys(length, 2*day+10*hour+7*time.Minute, 4*day+11*hour), paced: true}
	v := run(t, w, time.Minute, length)
	for key := range v.fired {
		if key != "IGSendWatchdog none" {
			t.Errorf("%s fired on healthy accounts", key)
		}
	}
}

func TestMissedTopUp(t *testing.T) {
	t.Parallel()
	length := 4 * week
	w := &world{accounts: accounts(length, 2), processes: deploys(length, 16*day+12*hour, 18*day+10*hour, 19*day+14*hour)}
	v := run(t, w, 5*time.Minute, length)
	for _, a := range w.accounts {
		warned, ok := v.fired["IGSendRunwayShort "+a.client+" warning"]
		if !ok {
			continue
		}
		if empty, ok := v.fired["IGSendBalanceEmpty "+a.client+" "+a.currency+" critical"]; ok {
			t.Logf("client %s, %s: %s of warning", a.client, a.currency, empty-warned)
			if empty-warned < 2*day {
				t.Errorf("client %s, %s: only %s of warning", a.client, a.currency, empty-warned)
			}
		}
	}
}

func TestOutagesWhileLow(t *testing.T) {
	t.Parallel()
	length := 30 * day
	api := trouble{from: 17*day + 10*hour, to: 17*day + 19*hour}
	key := trouble{from: 19*day + 9*hour, to: 19*day + 12*hour}
	one := trouble{from: 22*day + 9*hour, to: 22*day + 15*hour, client: "2"}
	cut := trouble{from: 24*day + 1*hour, to: 25*day + 6*hour}
	gone := trouble{from: 29*day + 11*hour, to: 29*day + 16*hour}
	processes := deploys(length, 20*day)
	last := *processes[1]
	processes[1].to, last.from, last.instance = gone.from, gone.to, "10.0.1.1"
	w := &world{
		accounts: accounts(length, 2), processes: append(processes, &last),
		apiDown: []trouble{api, one}, keyRefused: []trouble{key}, unscraped: []trouble{cut},
	}
	var expects []expectation
	expects = append(expects, caused(api, "IGSendAPIDown critical")...)
	expects = append(expects, caused(key, "IGSendKeyRejected critical")...)
	expects = append(expects, caused(one, "IGSendClientDown 2 warning", "IGSendBalanceStale 2 critical")...)
	for _, tr := range []trouble{cut, gone} {
		expects = append(expects, caused(tr, "IGSendExporterAbsent critical")...)
	}
	run(t, w, 5*time.Minute, length, expects...)
}

func TestReplicasAndRedeploys(t *testing.T) {
	t.Parallel()
	length := 24 * day
	// A pair of replicas that are replaced on different days. In the second week one of them is replaced every few
	// hours.
	one := deploys(length, append(every(5*hour, 8*day, 10*day), 16*day, 20*day+10*hour)...)
	two := deploys(length, 4*day, 11*day+15*hour, 18*day+11*hour)
	for _, p := range two {
		p.instance = "10.1" + p.instance[4:]
	}
	w := &world{accounts: accounts(length, 2), processes: append(one, two...)}
	run(t, w, 5*time.Minute, length)
}

// No exporter runs from a Friday evening to a Monday morning.
func TestWeekendWithoutExporters(t *testing.T) {
	t.Parallel()
	length := 24 * day
	off := trouble{from: 18*day + 18*hour, to: 21*day + 8*hour}
	processes := deploys(length, off.to)
	processes[0].to = off.from
	w := &world{accounts: accounts(length), processes: processes}
	run(t, w, 5*time.Minute, length, caused(off, "IGSendExporterAbsent critical")...)
}

func TestFrozenBalance(t *testing.T) {
	t.Parallel()
	length := 33 * day
	// From a Monday night on, IGSend repeats Monday's numbers for client 1 (office hours) and client 4 (day and night,
	// and a daily batch in its second currency). The balance of the payroll account only changes around payday anyway.
	stuck := []trouble{{from: 21*day + 20*hour, to: 32 * day, client: "1"}, {from: 21*day + 20*hour, to: 32 * day, client: "4"}}
	all := accounts(length)
	w := &world{accounts: []*account{all[0], all[2], all[3], all[4]}, processes: deploys(length, 23*day), stuck: stuck}
	for _, a := range w.accounts {
		a.thresholds, a.runway = map[string]float64{"critical": 1}, nil
	}
	run(t, w, 5*time.Minute, length,
		expectation{"IGSendBalanceFrozen 1 GBP warning", 24 * day, 32*day + 2*hour},
		expectation{"IGSendBalanceFrozen 4 USD warning", 24 * day, 32*day + 2*hour},
		expectation{"IGSendBalanceFrozen 4 JPY warning", 28 * day, 32*day + 2*hour},
	)
}
