package collector

import (
	"log/slog"
	"slices"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// A client is what is kept of a configured client, over scrapes and reloads.
type client struct {
	id    igsend.ClientID
	index int // in the current settings

	turn     turn // of its last outcome
	slow     bool // that was a timeout
	standing standing

	asked      time.Time     // when the request of the last recorded answer was sent
	last       *Answer       // the last complete, valid one; nil when there is none
	lastSource source        // of asked and last
	shown      *Answer       // the latest scrape's, for Status; nil before the first
	took       time.Duration // of the latest answer, for Status
	failing    igsend.Reason
	errors     []errorCount // by reason
	since      time.Time    // when the last finished request was sent, or c was made
	balances   []*balance   // by currency

	label [1]*dto.LabelPair // client_id; an array, to be sliced without another allocation
}

type errorCount struct {
	reason  igsend.Reason
	labels  []*dto.LabelPair
	counter *dto.Counter
}

func newClient(id igsend.ClientID) *client {
	text := id.String()
	return &client{id: id, since: time.Now(), label: [1]*dto.LabelPair{labelPair(&clientIDLabel, &text)}}
}

// maxCurrencies bounds what is kept of a client. ISO 4217 lists fewer currencies; an API
// that makes up others in each answer must not fill the memory.
const maxCurrencies = 200

// record takes an answer of IGSend, once, however many scrapes share it. It may be late:
// from a source that a reload has replaced, or older than the last one. Such an answer
// moves no balance.
func (c *client) record(a *Answer, sent time.Time, from, current source, common *shared) {
	if from == current {
		c.took = a.At.Sub(sent)
	}
	if len(a.Balances) == 0 || from != current || sent.Before(c.asked) {
		return
	}
	for _, b := range a.Balances {
		c.balance(b.Currency, common).record(b.Amount, from)
	}
	if len(c.balances) > maxCurrencies {
		c.balances = slices.DeleteFunc(c.balances, func(b *balance) bool {
			return !slices.ContainsFunc(a.Balances, func(got igsend.Balance) bool { return got.Currency == b.currency() })
		})
	}
	c.asked = sent
	if a.Err == nil {
		c.last, c.lastSource = a, from
	}
}

// fresh returns the last answer if min_refresh_interval allows to serve it again.
func (c *client) fresh(s *setup, now time.Time) *Answer {
	if c.last != nil && c.lastSource == s.source && now.Before(c.last.At.Add(s.Config.API.MinRefreshInterval)) {
		return c.last
	}
	return nil
}

// logOutcome writes a line when the outcome of client i is not the one of last time. A
// scraper that hung up is not an outcome.
func (f *Fetcher) logOutcome(s *setup, i int, err *igsend.Error) {
	c := s.clients[i]
	logger := func() *slog.Logger {
		return f.logger.With("client_id", c.id.String(), "name", s.Config.Clients[i].Name)
	}
	switch {
	case err == nil && c.failing != "":
		logger().Info("Client answers again", "was", string(c.failing))
		c.failing = ""
	case err != nil && err.Reason != c.failing && err.Reason != igsend.ReasonCanceled:
		logger().Warn("No complete balance for client", "reason", string(err.Reason), "err", err)
		c.failing = err.Reason
	}
}

// countError counts a failure. A new counter was 0 when the last request was sent. This is
// before any scrape began that is told of the failure. A later start, such as now, would be
// after the time that Prometheus gives to its first sample.
func (f *Fetcher) countError(c *client, reason igsend.Reason) {
	i := slices.IndexFunc(c.errors, func(e errorCount) bool { return e.reason == reason })
	if i < 0 {
		i = len(c.errors)
		labels := []*dto.LabelPair{c.label[0], f.common.label(&reasonLabel, string(reason))}
		c.errors = append(c.errors, errorCount{reason: reason, labels: labels, counter: newCounter(c.since)})
	}
	c.errors[i].counter = withValue(c.errors[i].counter, c.errors[i].counter.GetValue()+1)
}

// balance returns what is kept of the client's balance in one currency.
func (c *client) balance(currency string, common *shared) *balance {
	for _, b := range c.balances {
		if b.currency() == currency {
			return b
		}
	}
	b := newBalance(c.label[0], currency, common)
	c.balances = append(c.balances, b)
	return b
}
