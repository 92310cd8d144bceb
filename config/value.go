package config

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
	"github.com/shopspring/decimal"
	"go.yaml.in/yaml/v3"
)

// A walk is one pass over a configuration file. It collects what is wrong instead
// of stopping at the first problem, so what its readers return counts only when
// problems is empty at the end.
type walk struct {
	file     string
	problems Errors
	// budget is how many more nodes may be reached through aliases; see maxBorrowed.
	budget int
}

func (w *walk) fail(line int, field, format string, args ...any) {
	w.problems = append(w.problems, Error{File: w.file, Line: line, Field: field, Message: fmt.Sprintf(format, args...)})
}

// A value is one place in the file: a YAML node and the way to it. The zero value
// is a field that is not in the file. Each reader takes the value for one type,
// and records a problem when it is not of that type.
type value struct {
	walk *walk
	node *yaml.Node
	path string
	// line is where the field's name stands; for a list item, where the item begins.
	line int
	// borrowed is true when an alias leads here.
	borrowed bool
}

// at returns the value that node is, or stands for when it is an alias.
func (w *walk) at(node *yaml.Node, path string, line int) value {
	v := value{walk: w, node: node, path: path, line: line}
	if node.Kind == yaml.AliasNode {
		v.node, v.borrowed = node.Alias, true
	}
	return v
}

func (v value) present() bool { return v.node != nil }

func (v value) fail(format string, args ...any) {
	v.walk.fail(v.line, v.path, format, args...)
}

// refuse records that v is not the text it must be, and what it is instead. A text
// behind an alias is not repeated: its anchor may be on a key.
func (v value) refuse(want string) {
	found := "what its alias stands for"
	if !v.borrowed {
		found = quote(v.node.Value)
	}
	v.fail("must be %s, not %s", want, found)
}

func isNull(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.Tag == "!!null" }

// text reads a scalar as the characters that stand in the file: 5, yes and 0x10
// stay what they are, as they do in a Prometheus configuration.
func (v value) text() (text string, ok bool) { return v.scalar("text") }

// scalar is text for readers that want something more special, which they name.
func (v value) scalar(want string) (text string, ok bool) {
	switch {
	case v.node.Kind != yaml.ScalarNode:
		v.fail("must be %s, not %s", want, kind(v.node))
	case isNull(v.node):
		v.fail("has no value: give it %s", want)
	case v.wronglyTagged("!!str"):
	default:
		return v.node.Value, true
	}
	return "", false
}

// wronglyTagged refuses a tag (!!int, !vault …) that would have a parser read the
// value in another way than this package does. The tag is not repeated: a private
// key may begin with an exclamation mark.
func (v value) wronglyTagged(allowed string) bool {
	wrong := v.node.Style&yaml.TaggedStyle != 0 && v.node.Tag != allowed
	if wrong {
		v.fail("begins with a YAML tag: remove it, or put a value that begins with ! in quotes")
	}
	return wrong
}

func kind(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	default:
		return "a single value"
	}
}

// boolean reads true or false.
func (v value) boolean() bool {
	text, ok := v.scalar("true or false")
	if ok && v.node.Tag != "!!bool" {
		v.refuse("true or false, without quotes")
	}
	return ok && (text[0] == 't' || text[0] == 'T')
}

// Numbers are read from their text, quoted or not, and only in the spelling that no
// reader of YAML can take for another number: 0100 is 64 to some, 1_000 is text to
// others.
var (
	plainInteger = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
	plainDecimal = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)
)

// maxNumber is how many characters a number may have, as in an answer of IGSend.
const maxNumber = 40

// integer reads a whole number from low to high.
func (v value) integer(low, high int) int {
	text, ok := v.scalar("a whole number")
	if !ok {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || !plainInteger.MatchString(text) || n < low || n > high {
		v.refuse(fmt.Sprintf("a whole number from %d to %d in plain digits", low, high))
	}
	return n
}

// amount reads an exact decimal in plain notation.
func (v value) amount() (amount decimal.Decimal, ok bool) {
	text, ok := v.scalar("an amount")
	if !ok {
		return decimal.Decimal{}, false
	}
	if len(text) <= maxNumber && plainDecimal.MatchString(text) {
		if amount, err := decimal.NewFromString(text); err == nil {
			return amount, true
		}
	}
	v.refuse("an amount in plain digits, such as 50000 or -1234.50")
	return decimal.Decimal{}, false
}

// rate reads a plain, finite number that is not negative.
func (v value) rate() float64 {
	text, ok := v.scalar("a number")
	if !ok {
		return 0
	}
	rate, err := strconv.ParseFloat(text, 64)
	if err != nil || len(text) > maxNumber || !plainDecimal.MatchString(text) || rate < 0 {
		v.refuse("a number in plain digits, not negative, such as 5 or 0.5")
	}
	return rate
}

// duration reads a time as Prometheus writes it; 0 is refused when it must be positive.
func (v value) duration(positive bool) (d time.Duration, ok bool) {
	text, ok := v.scalar("a duration")
	if !ok {
		return 0, false
	}
	parsed, err := model.ParseDuration(text)
	switch {
	case err != nil || len(text) > maxNumber:
		v.refuse("a duration with its unit, such as 5s, 1m30s or 3d")
	case positive && parsed == 0:
		v.fail("must be longer than 0, such as 5s, 1m30s or 3d")
	default:
		return time.Duration(parsed), true
	}
	return 0, false
}

// quote renders a text of the file, cut to a length that leaves the message readable.
func quote(text string) string {
	const most = 40
	if runes := []rune(text[:min(len(text), 4*most)]); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return strconv.Quote(text)
}
