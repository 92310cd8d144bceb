package igsend

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

var plainDecimal = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

// For any input, the decoder does not panic, returns only plain decimals that are in the
// input, and returns an error if it leaves a balance out.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"coreRes": {"status": 1, "Message": "Client Balance successfully retrieved.", "MessageID": 10010}, "tableRes": [{"ClientID": 100045, "AccountBalance": "1400000", "Status": "success", "Balance Currency": "GBP", "Balance State": "IN_CREDIT"}]}`,
		`{"coreRes": {"status": 2, "Message": "Data Validation Failed.", "MessageID": 10009}}`,
		`{"coreRes": {"status": "1"}, "tableRes": [{"ClientID": "100045", "AccountBalance": -1.50, "Status": "Success", "Balance Currency": "eur"}, {"ClientID": 1}]}`,
		`{"coreRes": {"status": 1}, "tableRes": [{"ClientID": 100045, "AccountBalance": "1\u0030", "Status": "success", "Balance Currency": "JPY", "Balance State": "\ud800"}]}`,
		"\xef\xbb\xbf{}", `[[[[`, `{"coreRes":{"status":1},"tableRes":[null]}`,
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, body []byte, minor bool) {
		d := decoder{id: 100045, unit: UnitMajor, keys: Keys{Public: "public-key", Private: "private-key"}}
		if minor {
			d.unit = UnitMinor
		}
		balances, err := d.decode(body)
		var e *Error
		if err != nil && (!errors.As(err, &e) || (e.Reason != ReasonMalformed && e.Reason != ReasonRejected)) {
			t.Fatalf("error %v", err)
		}
		if err == nil && len(balances) == 0 {
			t.Fatal("neither a balance nor an error")
		}
		if e != nil && (len([]rune(e.Message)) > maxMessageLength || strings.Contains(e.Error(), "private-key")) {
			t.Fatalf("message %q", e.Message)
		}
		strings := scalars(body)
		seen := map[string]bool{}
		for _, b := range balances {
			if !plainDecimal.MatchString(b.Reported) || len(b.Reported) > maxAmountLength || !strings[b.Reported] {
				t.Errorf("balance %q is not a plain decimal from the input", b.Reported)
			}
			exponent, _ := MinorUnitExponent(b.Currency)
			if !minor {
				exponent = 0
			}
			if got := b.Amount.Shift(exponent).String(); canonical(got) != canonical(b.Reported) {
				t.Errorf("amount %s of %q", b.Amount, b.Reported)
			}
			if seen[b.Currency] || !regexp.MustCompile(`^[A-Z]{3}$`).MatchString(b.Currency) {
				t.Errorf("currency %q", b.Currency)
			}
			seen[b.Currency] = true
			if !regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,63}$`).MatchString(b.State) {
				t.Errorf("state %q", b.State)
			}
		}
	})
}

// scalars returns the strings and numbers in a document.
func scalars(body []byte) map[string]bool {
	found := map[string]bool{}
	dec := jsontext.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, utf8BOM)), jsontext.AllowInvalidUTF8(true))
	for {
		token, err := dec.ReadToken()
		if err != nil {
			return found
		}
		found[token.String()] = true
	}
}

// canonical drops insignificant zeros.
func canonical(s string) string {
	sign, digits := "", strings.TrimPrefix(s, "-")
	if digits != s {
		sign = "-"
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	whole, fraction = strings.TrimLeft(whole, "0"), strings.TrimRight(fraction, "0")
	if whole == "" && fraction == "" {
		sign = ""
	}
	return sign + whole + "." + fraction
}
