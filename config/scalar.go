package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/shopspring/decimal"
	"go.yaml.in/yaml/v4"
)

// The types of single values. Their read methods leave the target unchanged if the field
// is not in the file or not valid. They report an invalid value.
type (
	text     struct{ value }
	integer  struct{ value }
	number   struct{ value }
	amount   struct{ value }
	duration struct{ value }
	boolean  struct{ value }
)

// scalar returns the characters as they are in the file: 5, yes and 0x10 are not
// converted, as in a Prometheus configuration. want says what they should be.
func (v value) scalar(want string) (characters string, ok bool) {
	switch {
	case !v.present():
	case v.node.Kind != yaml.ScalarNode:
		v.fail("must be %s, not %s", want, kind(v.node))
	case v.isNull():
		v.fail("has no value: give it %s", want)
	case v.wronglyTagged("!!str"):
	default:
		return v.node.Value, true
	}
	return "", false
}

// refuse reports what v must be and what it is instead. It does not repeat a text behind
// an alias, because the anchor may be on a key.
func (v value) refuse(want string, args ...any) {
	found := "the value of its alias"
	if !v.borrowed {
		found = quote(v.node.Value)
	}
	v.fail("must be %s, not %s", fmt.Sprintf(want, args...), found)
}

// filled reports whether v is in the file and not an empty text.
func (v value) filled() bool {
	return v.present() && (v.node.Kind != yaml.ScalarNode || v.node.Value != "")
}

// excludes returns whether both values are filled in, and reports it if they are.
func (v value) excludes(other value) bool {
	both := v.filled() && other.filled()
	if both {
		v.fail("%s is also set, in line %d: remove one", other.name, other.line)
	}
	return both
}

// read returns a text that may be empty. In the fields that come from Prometheus, empty
// is the same as not set.
func (t text) read() string {
	characters, _ := t.scalar("text")
	return characters
}

// required returns a text that must not be empty.
func (t text) required() string {
	characters, ok := t.scalar("text")
	if ok && strings.TrimSpace(characters) == "" {
		t.fail("is empty: fill it in, or remove it")
		return ""
	}
	return characters
}

// read returns true or false.
func (b boolean) read() bool {
	characters, ok := b.scalar("true or false")
	if ok && b.node.Tag != "!!bool" {
		b.refuse("true or false, without quotes")
	}
	return ok && strings.EqualFold(characters, "true")
}

// Numbers may be quoted or not. Spellings that YAML parsers read differently are refused:
// 0100 is 64 to some, and 1_000 is text to others.
var (
	plainInteger = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
	plainDecimal = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)
)

// maxNumber is how many characters a number may have, as in an answer from IGSend.
const maxNumber = 40

// plain returns a number in plain notation.
func (v value) plain(noun, want string) (characters string, ok bool) {
	characters, ok = v.scalar(noun)
	switch {
	case !ok:
		return "", false
	case !plainDecimal.MatchString(characters):
		v.refuse("%s", want)
		return "", false
	case len(characters) > maxNumber:
		v.fail("has %d characters: a number has at most %d", len(characters), maxNumber)
		return "", false
	}
	return characters, true
}

// read sets target to a whole number from low to high.
func (i integer) read(target *int, low, high int) {
	characters, ok := i.scalar("a whole number")
	if !ok {
		return
	}
	n, err := strconv.Atoi(characters)
	if err != nil || !plainInteger.MatchString(characters) || n < low || n > high {
		i.refuse("a whole number from %d to %d in plain digits", low, high)
	}
	*target = n
}

// read sets target to a finite number that is not negative.
func (n number) read(target *float64) {
	const want = "a number in plain digits, not negative, such as 5 or 0.5"
	characters, ok := n.plain("a number", want)
	if !ok {
		return
	}
	rate, err := strconv.ParseFloat(characters, 64)
	if err != nil || rate < 0 {
		n.refuse(want)
	}
	*target = rate
}

// read returns an exact decimal.
func (a amount) read() (decimal.Decimal, bool) {
	characters, ok := a.plain("an amount", "an amount in plain digits, such as 50000 or -1234.50")
	if !ok {
		return decimal.Decimal{}, false
	}
	exact, err := decimal.NewFromString(characters)
	return exact, err == nil
}

// read returns a duration in the notation of Prometheus. If positive is set, 0 is invalid.
func (d duration) read(positive bool) (time.Duration, bool) {
	characters, ok := d.scalar("a duration")
	if !ok {
		return 0, false
	}
	parsed, err := model.ParseDuration(characters)
	switch {
	case err != nil || len(characters) > maxNumber:
		d.refuse("a duration with its unit, such as 5s, 1m30s or 3d")
	case positive && parsed == 0:
		d.fail("must be longer than 0, such as 5s, 1m30s or 3d")
	default:
		return time.Duration(parsed), true
	}
	return 0, false
}

// quote quotes a text from the file, cut to a length that keeps the message readable.
func quote(s string) string {
	const most = 40
	if runes := []rune(s[:min(len(s), 4*most)]); len(runes) > most {
		s = string(runes[:most]) + "…"
	}
	return strconv.Quote(s)
}
