package months

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"strconv"
	"time"
)

// A flow is money that moves at a time since the start. It is negative for a payout.
type flow struct {
	at     time.Duration
	amount int64
}

// An account is one client's account in one currency, with everything that will happen to it.
type account struct {
	client, currency string
	opening          int64
	flows            []flow
	thresholds       map[string]float64
	runway           map[string]time.Duration
	configured       []trouble // when the exporters watch it; always if empty

	balance int64
	next    int
	outflow []flow // payouts so far, to know the real spending
	frozen  int64  // what the API repeats while it is frozen
}

// settle applies the flows up to now.
func (a *account) settle(now time.Duration) {
	for ; a.next < len(a.flows) && a.flows[a.next].at <= now; a.next++ {
		f := a.flows[a.next]
		a.balance += f.amount
		if f.amount < 0 {
			a.outflow = append(a.outflow, f)
		}
	}
}

// spent returns what really left the account in the window before now.
func (a *account) spent(now, window time.Duration) float64 {
	var sum int64
	for i := len(a.outflow) - 1; i >= 0 && a.outflow[i].at > now-window; i-- {
		sum -= a.outflow[i].amount
	}
	return float64(sum)
}

func (a *account) watched(now time.Duration) bool {
	return len(a.configured) == 0 || in(a.configured, now, a.client)
}

// A trouble is a period in which something gives wrong answers or none.
type trouble struct {
	from, to time.Duration
	client   string // of one client only
}

func in(troubles []trouble, now time.Duration, client string) bool {
	for _, tr := range troubles {
		if tr.from <= now && now < tr.to && (tr.client == "" || tr.client == client) {
			return true
		}
	}
	return false
}

// A process is one exporter from its start to its end.
type process struct {
	from, to time.Duration
	instance string

	seen map[*account]*seen
	errs map[string]map[string]float64 // by client, by reason
	asks float64
	fail map[string]float64 // by reason
}

type seen struct {
	balance, in, out int64
}

// A world is everything that Prometheus looks at.
type world struct {
	accounts   []*account
	processes  []*process
	apiDown    []trouble
	keyRefused []trouble
	unscraped  []trouble // exporters run, Prometheus can't reach them
	stuck      []trouble // the API repeats the number it had at the start
	flaky      float64   // the share of fetches that fail
	paced      bool      // no outage or frozen balance hides the true runways, so those that are published must be near
	random     *rand.Rand

	lastSuccess map[string]time.Time
	known       map[*account]int64         // what any exporter saw last
	knownSince  map[*account]time.Duration // since the exporters watch it
}

// deploys returns consecutive processes. A new one starts at each of the times.
func deploys(end time.Duration, at ...time.Duration) []*process {
	var processes []*process
	from := time.Duration(0)
	for i, to := range append(at, end+time.Hour) {
		processes = append(processes, &process{from: from, to: to, instance: "10.0.0." + strconv.Itoa(i+1)})
		from = to
	}
	return processes
}

func (w *world) start() {
	w.random = rand.New(rand.NewPCG(3, 4))
	w.known = map[*account]int64{}
	w.knownSince = map[*account]time.Duration{}
	w.lastSuccess = map[string]time.Time{}
	for _, a := range w.accounts {
		sort.SliceStable(a.flows, func(i, j int) bool { return a.flows[i].at < a.flows[j].at })
		a.balance = a.opening
	}
	for _, p := range w.processes {
		p.seen = map[*account]*seen{}
		p.errs = map[string]map[string]float64{}
		p.fail = map[string]float64{}
	}
}

// scrape settles every account and returns the samples of all exporters.
func (w *world) scrape(start time.Time, now time.Duration) []sample {
	for _, a := range w.accounts {
		a.settle(now)
		if !in(w.stuck, now, a.client) {
			a.frozen = a.balance
		}
	}
	for _, a := range w.accounts {
		if !a.watched(now) && w.anybody(now) && !in(w.unscraped, now, "") {
			delete(w.known, a)
		}
	}
	var samples []sample
	for _, p := range w.processes {
		if now < p.from || now >= p.to {
			continue
		}
		shown := w.ask(p, start, now)
		target := fmt.Sprintf(`instance="%s:10045",job="igsend",pod="igsend-exporter-%s"`, p.instance, p.instance)
		if in(w.unscraped, now, "") {
			samples = append(samples, sample{"up{" + target + "}", 0})
			continue
		}
		samples = append(samples, sample{"up{" + target + "}", 1})
		for _, s := range shown {
			samples = append(samples, sample{s.series[:len(s.series)-1] + separator(s.series) + target + "}", s.value})
		}
	}
	return samples
}

func separator(series string) string {
	if series[len(series)-2] == '{' {
		return ""
	}
	return ","
}

// ask makes one exporter ask for all clients, and returns the samples that it then shows.
func (w *world) ask(p *process, start time.Time, now time.Duration) []sample {
	at := start.Add(now)
	var samples []sample
	show := func(value float64, format string, args ...any) {
		samples = append(samples, sample{fmt.Sprintf(format, args...), value})
	}
	show(1, `igsend_exporter_build_info{version="1.%s"}`, p.instance)
	show(1, `igsend_exporter_config_last_reload_successful{}`)
	asked, failed := map[string]bool{}, map[string]string{}
	for _, a := range w.accounts {
		if !a.watched(now) {
			delete(p.seen, a)
			delete(p.errs, a.client)
			continue
		}
		reason := ""
		switch {
		case asked[a.client]:
			reason = failed[a.client]
		case w.random.Float64() < w.flaky:
			reason = "network"
		case in(w.keyRefused, now, a.client):
			reason = "unauthorized"
		case in(w.apiDown, now, a.client):
			reason = "timeout"
		}
		if !asked[a.client] {
			asked[a.client], failed[a.client] = true, reason
			p.asks++
			if reason != "" {
				p.fail[reason]++
				if p.errs[a.client] == nil {
					p.errs[a.client] = map[string]float64{}
				}
				p.errs[a.client][reason]++
			} else {
				w.lastSuccess[p.instance+a.client] = at
			}
			up := 1.0
			if reason != "" {
				up = 0
			}
			show(up, `igsend_client_up{client_id="%s"}`, a.client)
			show(1, `igsend_client_info{client_id="%s",name="Client %s",team="payments"}`, a.client, a.client)
			if last, ok := w.lastSuccess[p.instance+a.client]; ok {
				show(float64(last.Unix()), `igsend_client_last_success_timestamp_seconds{client_id="%s"}`, a.client)
			}
			for severity, d := range a.runway {
				show(d.Seconds(), `igsend_client_runway_threshold_seconds{client_id="%s",severity="%s"}`, a.client, severity)
			}
			for r, n := range p.errs[a.client] {
				show(n, `igsend_client_errors_total{client_id="%s",reason="%s"}`, a.client, r)
			}
		}
		for severity, v := range a.thresholds {
			show(v, `igsend_client_balance_threshold{client_id="%s",currency="%s",severity="%s"}`, a.client, a.currency, severity)
		}
		if reason == "" {
			if p.seen[a] == nil {
				p.seen[a] = &seen{balance: a.frozen}
			}
			s := p.seen[a]
			if d := a.frozen - s.balance; d > 0 {
				s.in += d
			} else {
				s.out -= d
			}
			s.balance = a.frozen
			if !in(w.unscraped, now, "") {
				if _, ok := w.known[a]; !ok {
					w.knownSince[a] = now
				}
				w.known[a] = a.frozen
			}
			show(float64(a.frozen), `igsend_client_balance{client_id="%s",currency="%s"}`, a.client, a.currency)
			show(1, `igsend_client_balance_state{client_id="%s",currency="%s",state="IN_CREDIT"}`, a.client, a.currency)
		}
		if s := p.seen[a]; s != nil {
			show(float64(s.in), `igsend_client_balance_increase_total{client_id="%s",currency="%s"}`, a.client, a.currency)
			show(float64(s.out), `igsend_client_balance_decrease_total{client_id="%s",currency="%s"}`, a.client, a.currency)
		}
	}
	for _, reason := range []string{"malformed", "rejected", "unauthorized", "rate_limited", "http", "network", "tls", "timeout", "credentials", "canceled"} {
		show(p.fail[reason], `igsend_upstream_errors_total{reason="%s"}`, reason)
	}
	show(p.asks, `igsend_upstream_request_duration_seconds_count{}`)
	return samples
}
