package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

var (
	currencyCode = regexp.MustCompile(`^[A-Za-z]{3}$`)
	severityWord = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
)

// A list is what one file says about clients.
type list struct {
	value   // the field clients
	clients []Client
	// lines has the line of each client's ID, or 0 if it has no valid one.
	lines []int
	// none is true for a list without items.
	none bool
}

// require reports a list without clients.
func (l list) require() {
	if l.none {
		l.fail("needs at least one client, such as `- id: 100045`")
	}
}

// readClients returns the clients in v, of which the first has this index.
func readClients(v value, first int) list {
	items, ok := v.itemsFrom(first)
	l := list{value: v, clients: make([]Client, len(items)), lines: make([]int, len(items)), none: ok && len(items) == 0}
	for i, item := range items {
		if s, ok := item.section(); ok {
			l.clients[i], l.lines[i] = readClient(s)
		}
	}
	return l
}

// readClient returns a client and the line of its ID.
func readClient(s *section) (c Client, line int) {
	id := s.get("id")
	if !id.present() {
		id.fail("is missing: write the client ID that IGSend gave you, such as 100045")
	}
	if read(id, &c.ID, wantID, parseID) {
		line = id.line
	}
	s.get("name").text(&c.Name)
	c.Labels = readLabels(s.get("labels"))
	c.Thresholds = readThresholds(s.get("thresholds"))
	for _, l := range readLevels(s.get("runway"), "{warning: 3d}", wantPositive, parsePositive, cmp.Compare) {
		c.Runway = append(c.Runway, RunwayThreshold{Severity: l.name, Duration: l.bound})
	}
	s.done()
	return c, line
}

// merge returns the clients of all lists. It reports each ID that occurs again.
func (w *walk) merge(lists []list) []Client {
	type place struct{ list, index int }
	var all []Client
	ids := make(map[igsend.ClientID]place)
	for n, l := range lists {
		for i, c := range l.clients {
			here := place{n, i}
			if l.lines[i] == 0 {
				continue
			}
			first, taken := ids[c.ID]
			if !taken {
				ids[c.ID] = here
				continue
			}
			other := lists[first.list]
			where := fmt.Sprintf("in line %d", other.lines[first.index])
			if first.list != n {
				where = fmt.Sprintf("in %s:%d", other.walk.file, other.lines[first.index])
			}
			l.walk.fail(l.lines[i], fmt.Sprintf("clients[%d].id", i), "%s is also the ID %s (clients[%d].id): list each client once", c.ID, where, first.index)
		}
		all = append(all, l.clients...)
	}
	return all
}

const wantID = "a positive whole number of at most 19 plain digits, such as 100045"

func parseID(s string) (igsend.ClientID, bool) {
	id, err := igsend.ParseClientID(s)
	return id, err == nil
}

// readLabels returns nil if there are no labels.
func readLabels(v value) (labels map[string]string) {
	entries, _ := v.entries("a mapping, such as {team: payments}")
	if len(entries) > 0 {
		labels = make(map[string]string, len(entries))
	}
	for _, label := range entries {
		switch name := label.name; {
		case !isWord(name): // what Prometheus allows
			label.fail("a label name consists of letters a-z and A-Z, digits and underscores, and does not begin with a digit")
		case strings.HasPrefix(name, "__"):
			label.fail("label names that begin with __ are reserved for Prometheus: choose another name")
		case name == "client_id" || name == "name":
			label.fail("the label %s is set by the exporter: choose another name", name)
		default:
			if name == "job" || name == "instance" {
				label.warn("Prometheus sets the label %s itself and will call this one exported_%s: choose another name", name, name)
			}
			var content string
			label.text(&content)
			labels[name] = content
		}
	}
	return labels
}

func readThresholds(v value) (thresholds []Threshold) {
	entries, _ := v.entries("a mapping, such as {GBP: {warning: 50000}}")
	currencies := make(map[string]value, len(entries))
	for _, entry := range entries {
		currency := strings.ToUpper(entry.name)
		first, taken := currencies[currency]
		switch {
		case !currencyCode.MatchString(entry.name):
			entry.fail("a currency code has three letters, such as GBP")
			continue
		case taken:
			entry.fail("is the same currency as %s in line %d: remove one", first.path, first.line)
			continue
		case !igsend.IsCurrency(currency):
			entry.warn("ISO 4217 has no currency %s: check the spelling", currency)
		}
		currencies[currency] = entry
		for _, l := range readLevels(entry, "{warning: 50000}", wantAmount, parseAmount, decimal.Decimal.Compare) {
			thresholds = append(thresholds, Threshold{Currency: currency, Severity: l.name, Amount: l.bound})
		}
	}
	slices.SortStableFunc(thresholds, func(a, b Threshold) int { return strings.Compare(a.Currency, b.Currency) })
	return thresholds
}

// A level is the threshold of one severity.
type level[T any] struct {
	value
	meant string // the severity, spelled right
	bound T
}

// readLevels returns the levels of the mapping v, sorted by severity. It reports a critical
// level above the warning level, because a lower balance or runway is worse. Where one of
// the names is misspelt, that is a warning.
func readLevels[T any](v value, example, want string, parse func(string) (T, bool), compare func(a, b T) int) (levels []level[T]) {
	entries, _ := v.entries("a mapping, such as " + example)
	for _, entry := range entries {
		l := level[T]{value: entry, meant: entry.severity()}
		if l.meant != "" && read(entry, &l.bound, want, parse) {
			levels = append(levels, l)
		}
	}
	for _, c := range levels {
		for _, w := range levels {
			if c.meant != "critical" || w.meant != "warning" || compare(c.bound, w.bound) <= 0 {
				continue
			}
			report := c.warn
			if c.name == c.meant && w.name == w.meant {
				report = c.fail
			}
			report("%s is above %s %s in line %d: critical must be the lower of the two", c.node.Value, w.name, w.node.Value, w.line)
		}
	}
	slices.SortFunc(levels, func(a, b level[T]) int { return strings.Compare(a.name, b.name) })
	return levels
}

// severity returns the severity that the name of v stands for, or "" when it can't be one. It
// warns of a misspelling. A name with digits or underscores is not a misspelling.
func (v value) severity() string {
	if v.name == "critical" || v.name == "warning" {
		return v.name
	}
	if !severityWord.MatchString(v.name) {
		v.fail("a severity consists of letters a-z, digits and underscores, and begins with a letter, such as warning")
		return ""
	}
	meant, ok := nearest(v.name, []string{"critical", "warning"})
	if short := map[string]string{"crit": "critical", "warn": "warning"}[v.name]; short != "" {
		meant, ok = short, true
	}
	if !ok || strings.ContainsAny(v.name, "_0123456789") {
		return v.name
	}
	if meant != v.name {
		v.warn("looks like a misspelt %s: alerts of that severity will not use it", meant)
	}
	return meant
}
