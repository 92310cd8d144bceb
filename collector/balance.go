package collector

import (
	dto "github.com/prometheus/client_model/go"
	"github.com/shopspring/decimal"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// A balance is what is kept of one client's balance in one currency: how much it rose
// and fell between successive good answers, however long the gaps between them.
type balance struct {
	currency string
	last     decimal.Decimal
	source   source // of last; zero before the first answer
	increase total
	decrease total

	amount, inCredit *series
	state            *series // of the last reported state other than IN_CREDIT
	stateName        string
}

// A total is a sum of amounts. It is decimal because sums of binary fractions drift.
type total struct {
	sum    decimal.Decimal
	float  float64 // sum, converted once for all scrapes in which it does not change
	series *series
}

func (t *total) add(d decimal.Decimal) {
	t.sum = t.sum.Add(d)
	t.float = t.sum.InexactFloat64()
}

func newBalance(client *dto.LabelPair, currency string) *balance {
	pair := labelPair("currency", currency)
	b := &balance{
		currency: currency,
		increase: total{series: newCounter(increaseDesc, client, pair)},
		decrease: total{series: newCounter(decreaseDesc, client, pair)},
		amount:   newSeries(balanceDesc, client, pair),
	}
	b.inCredit = b.stateSeries(igsend.StateInCredit)
	return b
}

func (b *balance) stateSeries(state string) *series {
	return newSeries(stateDesc, append(b.amount.labels[:2:2], labelPair("state", state))...)
}

// record adds the difference to the last good answer. The first answer of a source is
// where counting starts.
func (b *balance) record(amount decimal.Decimal, from source) {
	if b.source == from {
		switch change := amount.Sub(b.last); change.Sign() {
		case 1:
			b.increase.add(change)
		case -1:
			b.decrease.add(change.Neg())
		}
	}
	b.last, b.source = amount, from
}

// appendTo appends the totals, and what an answer says of the balance if it has one.
func (b *balance) appendTo(samples []sample, answer *igsend.Balance) []sample {
	samples = append(samples, sample{b.increase.series, b.increase.float}, sample{b.decrease.series, b.decrease.float})
	if answer == nil {
		return samples
	}
	samples = append(samples, sample{b.amount, answer.Amount.InexactFloat64()})
	if answer.State == igsend.StateInCredit {
		return append(samples, sample{b.inCredit, 1})
	}
	// Only the latest other state is kept: nobody knows how many there are.
	if b.stateName != answer.State {
		b.stateName, b.state = answer.State, b.stateSeries(answer.State)
	}
	return append(samples, sample{b.inCredit, 0}, sample{b.state, 1})
}
