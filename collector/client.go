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
	id     igsend.ClientID
	logger *slog.Logger

	turn     turn // of its last outcome
	slow     bool // that was a timeout
	standing standing

	asked      time.Time     // when the request of the last recorded answer was sent
	last       *Answer       // the last complete, valid one; nil when there is none
	lastSource source        // of asked and last
	shown      Answer        // the latest scrape's, for Status
	took       time.Duration // of the latest answer, for Status
	failing    igsend.Reason
	errors     []errorCount // by reason
	balances   []*balance   // by currency

	label           *dto.LabelPair
	up, lastSuccess *series
	configured      []sample
}

type errorCount struct {
	reason igsend.Reason
	count  float64
	series *series
}

func newClient(id igsend.ClientID) *client {
	label := labelPair("client_id", id.String())
	return &client{
		id:          id,
		label:       label,
		up:          newSeries(upDesc, label),
		lastSuccess: newSeries(lastSuccessDesc, label),
	}
}

// maxCurrencies bounds what is kept of a client. ISO 4217 lists fewer currencies; an API
// that makes up others in each answer must not fill the memory.
const maxCurrencies = 200

// record takes an answer of IGSend, once, however many scrapes share it. It may be late:
// from a source that a reload has replaced, or older than the last one. Such an answer
// moves no balance.
func (c *client) record(a Answer, sent time.Time, from, current source) {
	c.logOutcome(a.Err)
	if from == current {
		c.took = a.At.Sub(sent)
	}
	if len(a.Balances) == 0 || from != current || sent.Before(c.asked) {
		return
	}
	for _, b := range a.Balances {
		c.balance(b.Currency).record(b.Amount, from)
	}
	if len(c.balances) > maxCurrencies {
		c.balances = slices.DeleteFunc(c.balances, func(b *balance) bool {
			return !slices.ContainsFunc(a.Balances, func(got igsend.Balance) bool { return got.Currency == b.currency })
		})
	}
	c.asked = sent
	if a.Err == nil {
		c.last, c.lastSource = &a, from
	}
}

// fresh returns the last answer if min_refresh_interval allows to serve it again.
func (c *client) fresh(s *setup, now time.Time) *Answer {
	if c.last != nil && c.lastSource == s.source && now.Before(c.last.At.Add(s.Config.API.MinRefreshInterval)) {
		return c.last
	}
	return nil
}

// logOutcome writes a line when the outcome is not the one of last time. A scraper that
// hung up is not an outcome.
func (c *client) logOutcome(err *igsend.Error) {
	switch {
	case err == nil && c.failing != "":
		c.logger.Info("Client answers again", "was", string(c.failing))
		c.failing = ""
	case err != nil && err.Reason != c.failing && err.Reason != igsend.ReasonCanceled:
		c.logger.Warn("No complete balance for client", "reason", string(err.Reason), "err", err)
		c.failing = err.Reason
	}
}

func (c *client) countError(reason igsend.Reason) {
	i := slices.IndexFunc(c.errors, func(e errorCount) bool { return e.reason == reason })
	if i < 0 {
		i = len(c.errors)
		c.errors = append(c.errors, errorCount{reason: reason, series: newCounter(errorsDesc, c.label, labelPair("reason", string(reason)))})
	}
	c.errors[i].count++
}

// balance returns what is kept of the client's balance in one currency.
func (c *client) balance(currency string) *balance {
	for _, b := range c.balances {
		if b.currency == currency {
			return b
		}
	}
	b := newBalance(c.label, currency)
	c.balances = append(c.balances, b)
	return b
}
