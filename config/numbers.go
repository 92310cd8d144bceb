package config

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/shopspring/decimal"
)

// The functions below parse single values for read. Numbers may be quoted or not.
// Spellings that YAML parsers read differently are refused: 0100 is 64 to some, and 1_000
// is text to others.
var plainDecimal = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)

// maxNumber is how many characters a number may have, as in an answer from IGSend.
const maxNumber = 40

// readInteger sets target to a whole number from low to high.
func readInteger(v value, target *int, low, high int) {
	want := "a whole number from " + strconv.Itoa(low) + " to " + strconv.Itoa(high) + " in plain digits"
	read(v, target, want, func(s string) (int, bool) {
		n, err := strconv.Atoi(s)
		return n, err == nil && strconv.Itoa(n) == s && n >= low && n <= high
	})
}

const wantAmount = "an amount in at most 40 plain digits, such as 50000 or -1234.50"

func parseAmount(s string) (decimal.Decimal, bool) {
	if !plainDecimal.MatchString(s) || len(s) > maxNumber {
		return decimal.Decimal{}, false
	}
	amount, err := decimal.NewFromString(s)
	return amount, err == nil
}

// parseRate parses a finite number that is not negative.
func parseRate(s string) (float64, bool) {
	rate, err := strconv.ParseFloat(s, 64)
	return rate, err == nil && plainDecimal.MatchString(s) && len(s) <= maxNumber && rate >= 0
}

const (
	wantDuration = "a duration with its unit, such as 5s, 1m30s or 3d"
	wantPositive = "a duration above 0 with its unit, such as 5s, 1m30s or 3d"
)

// parseDuration parses the notation of Prometheus.
func parseDuration(s string) (time.Duration, bool) {
	d, err := model.ParseDuration(s)
	return time.Duration(d), err == nil && len(s) <= maxNumber
}

func parsePositive(s string) (time.Duration, bool) {
	d, ok := parseDuration(s)
	return d, ok && d > 0
}

func parseBool(s string) (yes, ok bool) {
	yes = strings.EqualFold(s, "true")
	return yes, yes || strings.EqualFold(s, "false")
}
