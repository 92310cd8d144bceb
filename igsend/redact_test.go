package igsend

import (
	"errors"
	"testing"
)

func TestClean(t *testing.T) {
	for name, test := range map[string]struct {
		keys Keys
		text string
		want string
	}{
		"a key within a key":           {Keys{Public: "abc", Private: "xabcx"}, "abc, xabcx", "[redacted], [redacted]"},
		"a key that begins the other":  {Keys{Public: "abcdef", Private: "abc"}, "abcdef", "[redacted]"},
		"escaped for a query":          {Keys{Public: "p b", Private: "k/y"}, "p+b k%2Fy", "[redacted] [redacted]"},
		"escaped for a path":           {Keys{Public: "p b", Private: "k/y"}, "p%20b", "[redacted]"},
		"encoded as the header has it": {Keys{Public: "user", Private: "pass"}, "Basic dXNlcjpwYXNz", "Basic [redacted]"},
		"each encoded by itself":       {Keys{Public: "user", Private: "pass"}, "dXNlcg== cGFzcw==", "[redacted] [redacted]"},
		"in another case":              {Keys{Public: "p b", Private: "k/y"}, "K/Y K%2fY", "[redacted] [redacted]"},
		"escaped for HTML":             {Keys{Public: "p", Private: "k&y"}, "k&amp;y", "[redacted]"},
		"encoded for a URL":            {Keys{Public: "??>", Private: "~~~?"}, "Pz8- fn5-Pw", "[redacted] [redacted]"},
		"no key is no text":            {Keys{}, "no key", "no key"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.keys.clean(test.text); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestANumericKeyIsNoMessageID(t *testing.T) {
	d := decoder{id: 1, keys: Keys{Public: "p", Private: "918273645"}}
	for body, want := range map[string]int64{
		`{"coreRes": {"status": 2, "MessageID": 918273645}}`:    0,
		`{"coreRes": {"status": 2, "MessageID": "1918273645"}}`: 0,
		`{"coreRes": {"status": 2, "MessageID": 10009}}`:        10009,
	} {
		_, err := d.decode([]byte(body))
		var failure *Error
		if !errors.As(err, &failure) || failure.MessageID != want {
			t.Errorf("%s: %v, want MessageID %d", body, err, want)
		}
	}
}
