package config

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

var (
	// labelName is what Prometheus allows. It reserves names that begin with two underscores.
	labelName    = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
	currencyCode = regexp.MustCompile(`^[A-Za-z]{3}$`)
	severityWord = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
)

func validateClients(sections []clientSection) []Client {
	var clients []Client
	ids := make(map[igsend.ClientID]value)
	for _, s := range sections {
		client := s.validate()
		clients = append(clients, client)
		first, taken := ids[client.ID]
		switch {
		case client.ID == 0:
		case taken:
			s.ID.fail("%s is also the ID in line %d (%s): list each client once", client.ID, first.line, first.path)
		default:
			ids[client.ID] = s.ID.value
		}
	}
	return clients
}

// validate returns the client. Its ID is 0 if the ID is missing or wrong.
func (s *clientSection) validate() Client {
	if s.broken {
		return Client{}
	}
	if !s.ID.present() {
		s.failBelow("id", "is missing: write the client ID that IGSend gave you, such as 100045")
	}
	return Client{
		ID:         s.ID.clientID(),
		Name:       s.Name.read(),
		Labels:     s.labels(),
		Thresholds: s.thresholds(),
		Runway:     s.runway(),
	}
}

func (t text) clientID() igsend.ClientID {
	digits, ok := t.scalar("a client ID")
	if !ok {
		return 0
	}
	id, err := igsend.ParseClientID(digits)
	switch {
	case err == nil:
	case plainInteger.MatchString(digits) && len(digits) > 18:
		t.fail("is too large for a client ID: it has %d digits", len(digits))
	default:
		t.refuse("a client ID in plain digits, such as 100045")
	}
	return id
}

// labels returns the labels, or nil if there are none.
func (s *clientSection) labels() map[string]string {
	var labels map[string]string
	for _, label := range s.Labels.fields() {
		switch name := label.name; {
		case !labelName.MatchString(name):
			label.fail("a label name consists of letters a-z and A-Z, digits and underscores, and does not begin with a digit")
		case strings.HasPrefix(name, "__"):
			label.fail("label names that begin with __ are reserved for Prometheus: choose another name")
		case name == "client_id" || name == "name":
			label.fail("the label %s is set by the exporter: choose another name", name)
		default:
			if name == "job" || name == "instance" {
				label.warn("Prometheus sets the label %s itself and will call this one exported_%s: choose another name", name, name)
			}
			if labels == nil {
				labels = make(map[string]string)
			}
			labels[name] = label.read()
		}
	}
	return labels
}

func (s *clientSection) thresholds() []Threshold {
	var thresholds []Threshold
	currencies := make(map[string]value)
	for _, section := range s.Thresholds.fields() {
		currency := strings.ToUpper(section.name)
		first, taken := currencies[currency]
		switch {
		case !currencyCode.MatchString(section.name):
			section.fail("a currency code has three letters, such as GBP")
			continue
		case taken:
			section.fail("is the same currency as %s in line %d: remove one", first.path, first.line)
			continue
		}
		currencies[currency] = section.value
		if !igsend.IsCurrency(currency) {
			section.warn("ISO 4217 has no currency %s: check the spelling", currency)
		}
		var levels []level[decimal.Decimal]
		for _, amount := range section.fields() {
			if !amount.isSeverity() {
				continue
			}
			if bound, ok := amount.read(); ok {
				thresholds = append(thresholds, Threshold{Currency: currency, Severity: amount.name, Amount: bound})
				levels = append(levels, level[decimal.Decimal]{amount.value, bound})
			}
		}
		checkOrder(levels, decimal.Decimal.Compare)
	}
	slices.SortFunc(thresholds, func(a, b Threshold) int {
		return cmp.Or(strings.Compare(a.Currency, b.Currency), strings.Compare(a.Severity, b.Severity))
	})
	return thresholds
}

func (s *clientSection) runway() []RunwayThreshold {
	var thresholds []RunwayThreshold
	var levels []level[time.Duration]
	for _, duration := range s.Runway.fields() {
		if !duration.isSeverity() {
			continue
		}
		if bound, ok := duration.read(true); ok {
			thresholds = append(thresholds, RunwayThreshold{Severity: duration.name, Duration: bound})
			levels = append(levels, level[time.Duration]{duration.value, bound})
		}
	}
	checkOrder(levels, cmp.Compare[time.Duration])
	slices.SortFunc(thresholds, func(a, b RunwayThreshold) int { return strings.Compare(a.Severity, b.Severity) })
	return thresholds
}

// isSeverity reports whether the name of v can be a severity.
func (v value) isSeverity() bool {
	if !severityWord.MatchString(v.name) {
		v.fail("a severity consists of letters a-z, digits and underscores, and begins with a letter, such as warning")
		return false
	}
	if meant := meantSeverity(v.name); meant != v.name {
		v.warn("looks like a misspelt %s: alerts of that severity will not use it", meant)
	}
	return true
}

// meantSeverity returns critical or warning for a likely misspelling of it, and any other
// severity as it is. A severity with digits or underscores is not a misspelling.
func meantSeverity(severity string) string {
	if meant, ok := nearest(severity, []string{"critical", "warning"}); ok && !strings.ContainsAny(severity, "_0123456789") {
		return meant
	}
	return severity
}

// A level is the threshold of one severity.
type level[T any] struct {
	value
	bound T
}

// checkOrder reports a critical threshold above the warning threshold, because a lower
// balance or runway is worse. If one of the names is misspelt, it only warns.
func checkOrder[T any](levels []level[T], compare func(a, b T) int) {
	for _, c := range levels {
		for _, w := range levels {
			if meantSeverity(c.name) != "critical" || meantSeverity(w.name) != "warning" || compare(c.bound, w.bound) <= 0 {
				continue
			}
			report := c.warn
			if c.name == "critical" && w.name == "warning" {
				report = c.fail
			}
			report("%s is above %s %s in line %d: critical must be the lower of the two", c.node.Value, w.name, w.node.Value, w.line)
		}
	}
}
