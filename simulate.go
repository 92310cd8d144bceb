package main

import (
	"net/http"
	"time"

	"github.com/shopspring/decimal"

	"github.com/igsend-exporter/igsend_exporter/igsend"
	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

// simulate adds the clients of the demo to the API. They show payouts and top-ups, a client
// with two currencies, one that runs low and becomes overdrawn, one that stays overdrawn,
// one for which the API fails for some seconds of every minute, and one whose currency has
// no decimals. The API doesn't know client 100049 of the configuration.
//
// Everything except latency depends only on the time since start.
func simulate(api *igsendtest.API, start time.Time) {
	api.SetFault(igsendtest.Delay(25*time.Millisecond, igsendtest.Documented)) // for the unknown client
	for id, c := range map[igsend.ClientID]simulatedClient{
		100045: {latency: 35 * time.Millisecond, purses: []purse{
			{currency: "GBP", full: 250_000_00, low: 48_211_37, cycle: 6 * time.Minute, payouts: 36},
		}},
		100046: {latency: 60 * time.Millisecond, purses: []purse{
			{currency: "GBP", full: 80_000_00, low: 20_480_15, cycle: 4 * time.Minute, payouts: 16},
			{currency: "EUR", full: 120_500_50, low: 35_120_09, cycle: 5 * time.Minute, payouts: 25},
		}},
		100047: {latency: 20 * time.Millisecond, purses: []purse{
			{currency: "GBP", full: 12_000_00, low: -150_25, cycle: 3 * time.Minute, payouts: 36},
		}},
		100048: {latency: 45 * time.Millisecond, purses: []purse{
			{currency: "GBP", full: -812_60, low: -2_390_05, cycle: 2 * time.Minute, payouts: 8},
		}},
		100050: {latency: 120 * time.Millisecond, flaky: true, purses: []purse{
			{currency: "EUR", full: 64_000_00, low: 12_033_80, cycle: 5 * time.Minute, payouts: 20},
		}},
		100051: {latency: 110 * time.Millisecond, purses: []purse{
			{currency: "JPY", full: 9_400_000, low: 1_512_345, cycle: 4 * time.Minute, payouts: 24},
		}},
		100052: {latency: 80 * time.Millisecond, purses: []purse{
			{currency: "USD", full: 1_400_000_00, low: 905_004_41, cycle: 30 * time.Minute, payouts: 90},
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
// different weights.
func payoutShare(n int64) int64 {
	var sum int64
	for i := range n {
		sum += 3 + i*7%11
	}
	return sum
}
