package main

import (
	"net/http"
	"time"

	"github.com/shopspring/decimal"

	"github.com/igsend-exporter/igsend_exporter/igsend"
	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

// simulate adds the clients of the demo to the API: a healthy company with a few problems. One
// account is always below its threshold, one is overdrawn, and the API doesn't know client
// 100049 of the configuration. The others show payouts and top-ups, two currencies of one
// client, one without decimals, and an API that fails for some seconds of every minute.
//
// Everything except latency depends only on the time since start.
func simulate(api *igsendtest.API, start time.Time) {
	const day = 24 * time.Hour
	api.SetFault(igsendtest.Delay(25*time.Millisecond, igsendtest.Documented)) // for the unknown client
	for id, c := range map[igsend.ClientID]simulatedClient{
		100045: {latency: 35 * time.Millisecond, purses: []purse{
			{currency: "GBP", full: 250_000_00, low: 108_211_37, cycle: 7 * day, payouts: 30_240},
		}},
		100046: {latency: 60 * time.Millisecond, purses: []purse{
			{currency: "GBP", full: 80_000_00, low: 40_480_15, cycle: 5 * day, payouts: 14_400},
			{currency: "EUR", full: 120_500_50, low: 65_120_09, cycle: 6 * day, payouts: 34_560},
		}},
		100047: {latency: 20 * time.Millisecond, purses: []purse{
			{currency: "GBP", full: 4_800_00, low: 1_612_25, cycle: 3 * day, payouts: 5_760},
		}},
		100048: {latency: 45 * time.Millisecond, purses: []purse{
			{currency: "GBP", full: -812_60, low: -2_390_05, cycle: 4 * day, payouts: 5_760},
		}},
		100050: {latency: 120 * time.Millisecond, flaky: true, purses: []purse{
			{currency: "EUR", full: 64_000_00, low: 33_033_80, cycle: 5 * day, payouts: 14_400},
		}},
		100051: {latency: 110 * time.Millisecond, purses: []purse{
			{currency: "JPY", full: 9_400_000, low: 4_512_345, cycle: 4 * day, payouts: 17_280},
		}},
		100052: {latency: 80 * time.Millisecond, purses: []purse{
			{currency: "USD", full: 1_400_000_00, low: 905_004_41, cycle: 30 * day, payouts: 720},
		}},
	} {
		api.SetClientFunc(id, func(now time.Time) igsendtest.Client { return c.at(now.Sub(start)) })
	}
}

type simulatedClient struct {
	latency time.Duration
	flaky   bool
	purses  []purse
}

// A purse is the balance in one currency. In each cycle it starts full, goes down in
// unequal steps until it is low, and is then topped up. Amounts are in the minor unit of
// the currency.
type purse struct {
	currency  string
	full, low int64
	cycle     time.Duration
	payouts   int64 // per cycle, at equal intervals
}

func (c simulatedClient) at(elapsed time.Duration) igsendtest.Client {
	answer := igsendtest.Fault(igsendtest.Documented)
	if c.flaky {
		answer = failure(elapsed % time.Minute)
	}
	client := igsendtest.Client{Fault: igsendtest.Delay(c.latency, answer)}
	for _, p := range c.purses {
		client.Rows = append(client.Rows, p.at(elapsed))
	}
	return client
}

// failure fails in three ways, each for some seconds of the minute.
func failure(t time.Duration) igsendtest.Fault {
	switch {
	case t >= 20*time.Second && t < 28*time.Second:
		return igsendtest.Status(http.StatusServiceUnavailable)
	case t >= 36*time.Second && t < 42*time.Second:
		return igsendtest.TruncatedJSON
	case t >= 50*time.Second && t < 54*time.Second:
		return igsendtest.Hang
	}
	return igsendtest.Documented
}

func (p purse) at(elapsed time.Duration) igsendtest.Row {
	interval := p.cycle / time.Duration(p.payouts)
	paid := int64(elapsed % p.cycle / interval)
	minor := p.full - (p.full-p.low)*payoutShare(paid)/payoutShare(p.payouts-1)
	digits := int32(2)
	if p.currency == "JPY" {
		digits = 0
	}
	row := igsendtest.Row{Balance: decimal.New(minor, -digits).StringFixed(digits), Currency: p.currency}
	if minor < 0 {
		row.State = "OVERDRAWN"
	}
	return row
}

// payoutShare returns the total weight of the first n payouts. Consecutive payouts have
// different weights, which repeat after eleven.
func payoutShare(n int64) int64 {
	sum := n / 11 * 88
	for i := range n % 11 {
		sum += 3 + i*7%11
	}
	return sum
}
