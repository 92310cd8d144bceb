package collector

import (
	"github.com/shopspring/decimal"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// money is what is known of one account in one currency: how much the balance rose
// and fell between successive good answers, however long the gaps between them. The
// sums are decimal, since payouts of 0.10 added up in binary drift.
type money struct {
	currency string
	balance  decimal.Decimal // of the last good answer
	source   *source         // of that answer; nil before the first
	rose     total
	fell     total
	series   moneySeries
	state    *state // the last reported one other than IN_CREDIT
}

type state struct {
	name   string
	series *series
}

// A total is a decimal sum and, kept beside it because it is needed at every scrape
// and seldom changes, its nearest float.
type total struct {
	sum   decimal.Decimal
	float float64
}

func (t *total) add(d decimal.Decimal) {
	t.sum = t.sum.Add(d)
	t.float = t.sum.InexactFloat64()
}

func newMoney(of *accountSeries, currency string) *money {
	return &money{currency: currency, series: newMoneySeries(of, currency)}
}

// record adds the movement since the last good answer. The first answer of a source
// is where counting begins; a late one of a source that was replaced does not make
// the current one begin again.
func (m *money) record(balance decimal.Decimal, from, current *source) {
	switch {
	case m.source == nil:
	case *m.source == *from:
		switch change := balance.Sub(m.balance); change.Sign() {
		case 1:
			m.rose.add(change)
		case -1:
			m.fell.add(change.Neg())
		}
	case *m.source == *current:
		return
	}
	m.balance, m.source = balance, from
}

// samples appends what one answer says of the balance.
func (m *money) samples(to []sample, of *accountSeries, b igsend.Balance) []sample {
	to = append(to, sample{m.series.balance, b.Amount.InexactFloat64()})
	if b.State == igsend.StateInCredit {
		return append(to, sample{m.series.inCredit, 1})
	}
	// Only the latest other state is kept: nobody knows how many there are.
	if m.state == nil || m.state.name != b.State {
		m.state = &state{name: b.State, series: of.stateSeries(m.currency, b.State)}
	}
	inCredit, other := sample{m.series.inCredit, 0}, sample{m.state.series, 1}
	if b.State < igsend.StateInCredit {
		return append(to, other, inCredit)
	}
	return append(to, inCredit, other)
}

// totals appends how much the balance rose and fell so far.
func (m *money) totals(to []sample) []sample {
	return append(to, sample{m.series.rose, m.rose.float}, sample{m.series.fell, m.fell.float})
}
