package igsend

import "testing"

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
