package collector

import (
	"testing"
	"testing/synctest"
	"time"
	"unique"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

func TestIncreaseAndDecrease(t *testing.T) {
	live, sandbox := unique.Make(origin{"live", igsend.UnitMajor}), unique.Make(origin{"sandbox", igsend.UnitMajor})
	type answer struct {
		balance string
		from    source
	}
	type totals struct{ Increase, Decrease float64 }
	for name, test := range map[string]struct {
		answers []answer
		want    totals
	}{
		"the first answer moves nothing":   {[]answer{{"100", live}}, totals{0, 0}},
		"a payout":                         {[]answer{{"100", live}, {"60.5", live}}, totals{0, 39.5}},
		"a top-up":                         {[]answer{{"100", live}, {"160.5", live}}, totals{60.5, 0}},
		"no movement":                      {[]answer{{"100", live}, {"100.00", live}}, totals{0, 0}},
		"through zero":                     {[]answer{{"10", live}, {"-5", live}, {"1", live}}, totals{6, 15}},
		"from zero":                        {[]answer{{"0", live}, {"5", live}}, totals{5, 0}},
		"another source begins again":      {[]answer{{"100", live}, {"7", sandbox}, {"5", sandbox}}, totals{0, 2}},
		"and so does the way back from it": {[]answer{{"100", live}, {"7", sandbox}, {"90", live}}, totals{0, 0}},
		// In binary, ten times 0.1 is 0.9999999999999999.
		"sums are decimal": {[]answer{
			{"1", live},
			{"0.9", live},
			{"0.8", live},
			{"0.7", live},
			{"0.6", live},
			{"0.5", live},
			{"0.4", live},
			{"0.3", live},
			{"0.2", live},
			{"0.1", live},
			{"0", live},
		}, totals{0, 1}},
		"sums lose nothing beside large ones": {[]answer{{"9007199254740993", live}, {"0", live}, {"0.25", live}, {"0", live}}, totals{0.25, 9007199254740993.25}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBalance(newShared().label(&clientIDLabel, "1"), "GBP", newShared())
			for _, answer := range test.answers {
				b.record(decimal.RequireFromString(answer.balance), answer.from)
			}
			if diff := cmp.Diff(test.want, totals{b.increase.counter.GetValue(), b.decrease.counter.GetValue()}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What the exposition says of a state follows each answer, also from one other than
// IN_CREDIT to the next.
func TestStatesFollowTheAnswers(t *testing.T) {
	b := newBalance(newShared().label(&clientIDLabel, "1"), "GBP", newShared())
	for _, state := range []string{"OVERDRAWN", "OVERDRAWN", "FROZEN", "IN_CREDIT", "OVERDRAWN"} {
		got := map[string]float64{}
		for _, s := range b.appendTo(nil, &igsend.Balance{Currency: "GBP", State: state}) {
			if s.desc == stateDesc {
				got[s.labels[2].GetValue()] = s.gauge.GetValue()
			}
		}
		want := map[string]float64{"IN_CREDIT": 0}
		want[state] = 1
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", state, diff)
		}
	}
}

// Counters that start within a second may share their start, which is never later.
func TestStartOfNewCounters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		common, begun := newShared(), time.Now()
		var got []time.Duration
		for range 4 {
			got = append(got, common.newCounter().GetCreatedTimestamp().AsTime().Sub(begun))
			time.Sleep(600 * time.Millisecond)
		}
		if diff := cmp.Diff([]time.Duration{0, 0, 1200 * time.Millisecond, 1200 * time.Millisecond}, got); diff != "" {
			t.Errorf("starts (-want +got):\n%s", diff)
		}
	})
}
