package collector

import (
	"cmp"
	"log/slog"
	"slices"
	"time"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// An account is what is known of one client. It lives as long as the client is
// configured, over sweeps and reloads.
type account struct {
	id     igsend.ClientID
	logger *slog.Logger

	turn     turn // of its last outcome
	slow     bool // that was a timeout
	answered bool // that was a whole, valid answer

	last    lastAnswer // the last whole, valid one
	failing igsend.Reason
	errors  []errorCount // sorted by reason
	money   []*money     // sorted by currency
	series  accountSeries
}

type lastAnswer struct {
	Answer
	source *source // nil when there was none
}

type errorCount struct {
	reason igsend.Reason
	sample sample
}

func newAccount(id igsend.ClientID) *account {
	return &account{id: id, series: newAccountSeries(id)}
}

// record takes in an answer, once, whichever sweeps share it. It may come late, from
// another source than the current one.
func (a *account) record(answer Answer, from, current *source) {
	for _, balance := range answer.Balances {
		a.moneyIn(balance.Currency).record(balance.Amount, from, current)
	}
	if answer.Err == nil {
		a.last = lastAnswer{answer, from}
	}
	a.logChange(answer.Err)
}

// fresh returns the last answer, and until when it is young enough to be served again.
func (a *account) fresh(s *setup) (last Answer, until time.Time) {
	if a.last.source == nil || *a.last.source != *s.source {
		return Answer{}, time.Time{}
	}
	return a.last.Answer, a.last.At.Add(s.Config.API.MinRefreshInterval)
}

// logChange writes a line when the outcome is another than the last time.
func (a *account) logChange(err *igsend.Error) {
	switch {
	case err == nil && a.failing != "":
		a.logger.Info("Client answers again", "was", string(a.failing))
		a.failing = ""
	case err != nil && a.failing != err.Reason:
		a.logger.Warn("No whole balance for client", "reason", string(err.Reason), "err", err)
		a.failing = err.Reason
	}
}

func (a *account) countError(reason igsend.Reason) {
	i, found := slices.BinarySearchFunc(a.errors, reason, func(e errorCount, r igsend.Reason) int { return cmp.Compare(e.reason, r) })
	if !found {
		a.errors = slices.Insert(a.errors, i, errorCount{reason, sample{series: a.series.errorSeries(reason)}})
	}
	a.errors[i].sample.value++
}

// moneyIn returns what is known of the account in one currency.
func (a *account) moneyIn(currency string) *money {
	i, found := slices.BinarySearchFunc(a.money, currency, func(m *money, c string) int { return cmp.Compare(m.currency, c) })
	if !found {
		a.money = slices.Insert(a.money, i, newMoney(&a.series, currency))
	}
	return a.money[i]
}
