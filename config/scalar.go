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

// The types of single values. Their read methods leave the target as it is when the
// field is not in the file, or report what is wrong with it.
type (
	text     struct{ value }
	integer  struct{ value }
	number   struct{ value }
	amount   struct{ value }
	duration struct{ value }
	boolean  struct{ value }
)

// scalar returns the characters that stand in the file: 5, yes and 0x10 stay what
// they are, as they do in a Prometheus configuration. want says what they should be.
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

// refuse reports that v is not what it must be, and what it is instead. A text behind
// an alias is not repeated: its anchor may be on a key.
func (v value) refuse(want string, args ...any) {
	found := "what its alias stands for"
	if !v.borrowed {
		found = quote(v.node.Value)
	}
	v.fail("must be %s, not %s", fmt.Sprintf(want, args...), found)
}

// filled reports whether v is in the file and says something.
func (v value) filled() bool {
	return v.present() && (v.node.Kind != yaml.ScalarNode || v.node.Value != "")
}

// excludes reports whether both values are filled in, which it refuses.
func (v value) excludes(other value) bool {
	both := v.filled() && other.filled()
	if both {
		v.fail("%s is set too, in line %d: remove one", other.name, other.line)
	}
	return both
}

// read returns a text that may be empty, which in the fields that come from Prometheus
// is the same as not set.
func (t text) read() string {
	characters, _ := t.scalar("text")
	return characters
}

// required returns a text that must say something.
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

// Numbers are read from their text, quoted or not, and only in the spelling that no
// reader of YAML can take for another number: 0100 is 64 to some, 1_000 is text to
// others.
var (
	plainInteger = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
	plainDecimal = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)
)

// maxNumber is how many characters a number may have, as in an answer of IGSend.
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
		v.fail("has %d characters, which are too many: a number has at most %d", len(characters), maxNumber)
		return "", false
	}
	return characters, true
}

// read reads a whole number from low to high.
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

// read reads a finite number that is not negative.
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

// read returns a time as Prometheus writes it; 0 is refused when it must be positive.
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

// quote renders a text of the file, cut to a length that leaves the message readable.
func quote(s string) string {
	const most = 40
	if runes := []rune(s[:min(len(s), 4*most)]); len(runes) > most {
		s = string(runes[:most]) + "…"
	}
	return strconv.Quote(s)
}
