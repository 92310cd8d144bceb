package main

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/common/version"
	"github.com/shopspring/decimal"

	"github.com/igsend-exporter/igsend_exporter/collector"
	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
)

//go:embed landing.html
var landingHTML string

//go:embed landing.css
var landingCSS string

// A landingPage shows people what the latest scrape said, without asking IGSend. It says
// nothing that the metrics do not say.
type landingPage struct {
	status   func() collector.Status
	reloaded func() (at time.Time, failed bool)
	metrics  string // their path
	links    []link
	template *template.Template
}

type link struct{ Address, Text, Description string }

func newLandingPage(status func() collector.Status, reloaded func() (time.Time, bool), metrics string, links []link) *landingPage {
	return &landingPage{status, reloaded, metrics, links, template.Must(template.New("landing").Parse(landingHTML))}
}

// A page is what the template shows.
type page struct {
	Summary  string
	Problems []string
	Rows     []row
	More     string
	Metrics  string
	Links    []link
	Version  string
	Style    template.CSS
}

// contentPolicy allows the page its own style and nothing else.
func contentPolicy() string {
	sum := sha256.Sum256([]byte(landingCSS))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

func (l *landingPage) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", contentPolicy())
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")
	_ = l.template.Execute(w, l.page(time.Now())) // the only error left is a reader who went away
}

// stale is the age at which Prometheus stops showing a sample, too.
const stale = 5 * time.Minute

// maxRows bounds the page: a browser takes seconds for a table with many thousands.
const maxRows = 200

func (l *landingPage) page(now time.Time) page {
	status := l.status()
	p := page{
		Summary: lastScrape(status, now), Metrics: l.metrics, Links: l.links, Version: version.Version,
		Style: template.CSS(landingCSS), //nolint:gosec // a constant
	}
	if since := now.Sub(status.Scraped); !status.Scraped.IsZero() && since > stale {
		p.Problems = append(p.Problems, "No scrape has been answered for "+age(status.Scraped, now)+". The balances below are that old.")
	}
	loaded, failed := l.reloaded()
	if failed {
		p.Problems = append(p.Problems, "The last reload of the configuration failed. The previous one is in use; the log says what is wrong.")
	}
	p.Summary += " Configuration loaded " + age(loaded, now) + " ago."
	if status.Advice != "" {
		p.Problems = append(p.Problems, status.Advice)
	}
	for i := range status.Clients {
		p.Rows = appendRows(p.Rows, &status.Clients[i], now)
	}
	slices.SortStableFunc(p.Rows, func(a, b row) int { return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.depth, b.depth)) })
	if more := len(p.Rows) - maxRows; more > 0 {
		p.More = counted(more, "more account") + " in the metrics. None needs attention sooner."
		p.Rows = p.Rows[:maxRows]
	}
	return p
}

// lastScrape says in one paragraph how the latest scrape went.
func lastScrape(status collector.Status, now time.Time) string {
	clients := counted(len(status.Clients), "client")
	if status.Scraped.IsZero() {
		return clients + ". No scrape yet: balances appear here after the first one."
	}
	var answered, failing int
	var slowest *collector.ClientStatus
	for i := range status.Clients {
		c := &status.Clients[i]
		switch {
		case c.Answer.Err != nil:
			failing++
		case !c.Answer.At.IsZero():
			answered++
		}
		if c.Took > 0 && (slowest == nil || c.Took > slowest.Took) {
			slowest = c
		}
	}
	text := fmt.Sprintf("%s: %d answered, %d failing. The latest scrape ended %s ago and took %s.",
		clients, answered, failing, age(status.Scraped, now), status.Took.Round(time.Millisecond))
	if slowest != nil {
		text += fmt.Sprintf(" Slowest: client %s, %s.", slowest.ID, slowest.Took.Round(time.Millisecond))
	}
	return text
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// age returns the time since then, in Prometheus's notation, rounded to two units.
func age(then, now time.Time) string {
	d, unit := max(now.Sub(then), 0), time.Second
	switch {
	case d >= 24*time.Hour:
		unit = time.Hour
	case d >= time.Hour:
		unit = time.Minute
	}
	return model.Duration(d.Round(unit)).String()
}

// A row is one account: a client and a currency.
type row struct {
	ID                       igsend.ClientID
	Name                     string
	Class                    string // good, warn or bad
	Attention                string
	Reason                   igsend.Reason
	Balance, Currency, State string
	LastSuccess              time.Time
	Age                      string

	rank  int     // the lowest come first
	depth float64 // the order within a rank; the lowest come first
}

// The ranks, in the order in which somebody must act.
const (
	rankEmpty = iota
	rankCritical
	rankBelow
	rankFailing
	rankUnknown
	rankGood
)

// appendRows appends one row for each balance of a client, and one for each currency that has
// thresholds but no balance. A client without any balance gets one row that says why.
func appendRows(rows []row, c *collector.ClientStatus, now time.Time) []row {
	client := row{ID: c.ID, Name: c.Name, LastSuccess: c.LastSuccess, Age: age(c.LastSuccess, now)}
	if c.Answer.Err != nil {
		client.Reason = c.Answer.Err.Reason
	}
	for _, b := range c.Answer.Balances {
		r := client
		r.Balance, r.Currency, r.State = formatAmount(b.Amount, b.Currency), b.Currency, b.State
		r.judge(b, c.Thresholds)
		rows = append(rows, r)
	}
	client.Class, client.Attention, client.rank = "bad", "No balance", rankFailing
	if len(c.Answer.Balances) == 0 {
		if c.Answer.Err == nil {
			client.Class, client.Attention, client.rank = "warn", "Not asked yet", rankUnknown
		}
		return append(rows, client)
	}
	for _, t := range c.Thresholds { // by currency
		if t.Currency != client.Currency && !slices.ContainsFunc(c.Answer.Balances, func(b igsend.Balance) bool { return b.Currency == t.Currency }) {
			client.Currency = t.Currency
			rows = append(rows, client)
		}
	}
	return rows
}

// judge compares the balance with zero and with the thresholds. The lowest threshold that it
// is below is the most severe.
func (r *row) judge(b igsend.Balance, thresholds []config.Threshold) {
	var below *config.Threshold
	for i := range thresholds {
		t := &thresholds[i]
		if t.Currency == b.Currency && b.Amount.LessThan(t.Amount) && (below == nil || t.Amount.LessThan(below.Amount)) {
			below = t
		}
	}
	switch {
	case b.Amount.Sign() <= 0:
		r.Class, r.Attention, r.rank, r.depth = "bad", "Empty", rankEmpty, b.Amount.InexactFloat64()
	case below != nil:
		r.Class, r.Attention, r.rank = "warn", "Below "+below.Severity+", "+formatAmount(below.Amount, below.Currency), rankBelow
		if below.Severity == "critical" {
			r.Class, r.rank = "bad", rankCritical
		}
		r.depth = b.Amount.InexactFloat64() / below.Amount.InexactFloat64()
	case r.Reason != "":
		r.Class, r.Attention, r.rank = "bad", "Incomplete answer", rankFailing
	default:
		r.Class, r.Attention, r.rank = "good", "OK", rankGood
	}
}

// formatAmount writes an amount with the decimals that its currency has, or with all of its
// own if it has more, and groups the digits before the point by three.
func formatAmount(amount decimal.Decimal, currency string) string {
	digits, _ := igsend.MinorUnitExponent(currency)
	text := amount.Abs().StringFixed(max(digits, -amount.Exponent()))
	whole, fraction, hasFraction := strings.Cut(text, ".")
	var b strings.Builder
	if amount.IsNegative() {
		b.WriteByte('-')
	}
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	if hasFraction {
		b.WriteString("." + fraction)
	}
	return b.String()
}
