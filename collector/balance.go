package collector

import (
	dto "github.com/prometheus/client_model/go"
	"github.com/shopspring/decimal"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// A balance is what is kept of one client's balance in one currency: how much it rose
// and fell between successive good answers, however long the gaps between them.
type balance struct {
	last     decimal.Decimal
	source   source // of last; zero before the first answer
	increase total
	decrease total

	labels [3]*dto.LabelPair  // client_id, currency, state IN_CREDIT
	other  *[3]*dto.LabelPair // the same with the last reported state other than that
}

// A total is a sum of amounts. It is decimal because sums of binary fractions drift.
type total struct {
	sum     decimal.Decimal
	counter *dto.Counter // of sum
}

func (t *total) add(d decimal.Decimal) {
	t.sum = t.sum.Add(d)
	t.counter = withValue(t.counter, t.sum.InexactFloat64())
}

func newBalance(client *dto.LabelPair, currency string, common *shared) *balance {
	return &balance{
		increase: total{counter: common.newCounter()},
		decrease: total{counter: common.newCounter()},
		labels:   [3]*dto.LabelPair{client, common.label(&currencyLabel, currency), inCredit},
	}
}

func (b *balance) currency() string { return b.labels[1].GetValue() }

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
	labels := b.labels[:2:2]
	samples = append(samples,
		sample{desc: increaseDesc, labels: labels, counter: b.increase.counter},
		sample{desc: decreaseDesc, labels: labels, counter: b.decrease.counter})
	if answer == nil {
		return samples
	}
	samples = append(samples, sample{desc: balanceDesc, labels: labels, gauge: gauge(answer.Amount.InexactFloat64())})
	if answer.State == igsend.StateInCredit {
		return append(samples, sample{desc: stateDesc, labels: b.labels[:], gauge: one})
	}
	// Only the latest other state is kept: nobody knows how many there are.
	if b.other == nil || b.other[2].GetValue() != answer.State {
		state := answer.State // a copy, to keep nothing else of the answer
		b.other = &[3]*dto.LabelPair{labels[0], labels[1], labelPair(&stateLabel, &state)}
	}
	return append(samples,
		sample{desc: stateDesc, labels: b.labels[:], gauge: zero},
		sample{desc: stateDesc, labels: b.other[:], gauge: one})
}
