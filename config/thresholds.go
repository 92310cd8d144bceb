package config

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

var (
	currencyCode = regexp.MustCompile(`^[A-Za-z]{3}$`)
	severityWord = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
)

// thresholds reads the thresholds of one client, by currency and severity.
func (v value) thresholds() []Threshold {
	var thresholds []Threshold
	currencies := make(map[string]value)
	v.each("{GBP: {warning: 50000}}", func(name string, f value) {
		currency := strings.ToUpper(name)
		first, taken := currencies[currency]
		switch {
		case !currencyCode.MatchString(name):
			f.fail("a currency is three letters, such as GBP")
			return
		case taken:
			f.fail("is the same currency as %s, in line %d: remove one", first.path, first.line)
			return
		}
		currencies[currency] = f
		for _, l := range levels(f, "{warning: 50000}", value.amount, decimal.Decimal.GreaterThan) {
			thresholds = append(thresholds, Threshold{Currency: currency, Severity: l.severity, Amount: l.bound})
		}
	})
	slices.SortFunc(thresholds, func(a, b Threshold) int {
		return cmp.Or(strings.Compare(a.Currency, b.Currency), strings.Compare(a.Severity, b.Severity))
	})
	return thresholds
}

// runway reads the runway thresholds of one client, by severity.
func (v value) runway() []RunwayThreshold {
	var thresholds []RunwayThreshold
	read := func(f value) (time.Duration, bool) { return f.duration(true) }
	above := func(a, b time.Duration) bool { return a > b }
	for _, l := range levels(v, "{warning: 3d}", read, above) {
		thresholds = append(thresholds, RunwayThreshold{Severity: l.severity, Duration: l.bound})
	}
	slices.SortFunc(thresholds, func(a, b RunwayThreshold) int { return strings.Compare(a.Severity, b.Severity) })
	return thresholds
}

// A level is a bound and the severity of falling below it.
type level[T any] struct {
	severity string
	bound    T
	source   value
}

// levels reads a mapping of severities to bounds. Less of a balance or of a runway is
// worse, so the bound of critical must not be above that of warning.
func levels[T any](v value, example string, read func(value) (T, bool), above func(a, b T) bool) []level[T] {
	var all []level[T]
	v.each(example, func(severity string, f value) {
		if !severityWord.MatchString(severity) {
			f.fail("a severity is a word of the letters a-z, digits and underscores that begins with a letter, such as warning")
			return
		}
		if bound, ok := read(f); ok {
			all = append(all, level[T]{severity, bound, f})
		}
	})
	find := func(severity string) int {
		return slices.IndexFunc(all, func(l level[T]) bool { return l.severity == severity })
	}
	if c, w := find("critical"), find("warning"); c >= 0 && w >= 0 && above(all[c].bound, all[w].bound) {
		critical, warning := all[c].source, all[w].source
		critical.fail("%s is above warning %s, in line %d: critical is the lower of the two", critical.node.Value, warning.node.Value, warning.line)
	}
	return all
}
