package igsend

import (
	"regexp"
	"strings"

	"github.com/shopspring/decimal"
)

// A Balance is what one client account holds in one currency.
type Balance struct {
	// Amount is the balance in the major unit of Currency (pounds, not pence). It
	// is exact.
	Amount decimal.Decimal
	// Reported is the balance as IGSend wrote it, before any conversion of units.
	Reported string
	// Currency is three upper-case letters.
	Currency string
	// State is what IGSend reports, in upper case with blanks and dashes as
	// underscores: "IN_CREDIT" is the one that its documentation shows. It is
	// [StateUnknown] when IGSend reports none or one that makes no label.
	State string
}

// The states that this package knows by name.
const (
	StateInCredit = "IN_CREDIT"
	StateUnknown  = "UNKNOWN"
)

// A Unit says in which unit IGSend writes balances. Its documentation does not
// tell, so whoever configures the client must.
type Unit string

// The units.
const (
	// UnitMajor: "1400000" is 1400000.00 GBP.
	UnitMajor Unit = "major"
	// UnitMinor: "1400000" is 14000.00 GBP, by the currency's ISO 4217 exponent.
	UnitMinor Unit = "minor"
)

// maxAmountLength bounds the text of a balance. Forty characters hold any sum of
// money; what is longer is an attack on whoever adds it up.
const maxAmountLength = 40

// isPlainDecimal reports whether s is -?[0-9]+(\.[0-9]+)?: the one notation of a
// number that has no second reading.
func isPlainDecimal(s string) bool {
	if len(s) > maxAmountLength {
		return false
	}
	whole, fraction, hasPoint := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	return isDigits(whole) && (!hasPoint || isDigits(fraction))
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// parseAmount turns the text of a balance into major units of currency.
func parseAmount(text, currency string, unit Unit) (decimal.Decimal, string) {
	if !isPlainDecimal(text) {
		return decimal.Decimal{}, "AccountBalance is not a plain decimal number"
	}
	amount, err := decimal.NewFromString(text)
	if err != nil {
		return decimal.Decimal{}, "AccountBalance is not a plain decimal number"
	}
	if unit != UnitMinor {
		return amount, ""
	}
	exponent, ok := minorUnitExponent(currency)
	if !ok {
		return decimal.Decimal{}, "the currency has no minor unit in ISO 4217, so the balance can't be converted"
	}
	return amount.Shift(-exponent), ""
}

// parseCurrency returns s in upper case when it is three ASCII letters.
func parseCurrency(s string) (string, bool) {
	if len(s) != 3 {
		return "", false
	}
	for i := range len(s) {
		if c := s[i] | 0x20; c < 'a' || c > 'z' {
			return "", false
		}
	}
	return strings.ToUpper(s), true
}

var (
	stateGrammar   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_ -]{0,63}$`)
	stateSeparator = strings.NewReplacer(" ", "_", "-", "_")
)

// parseState turns a reported state into a label value.
func parseState(s string) string {
	s = strings.TrimSpace(s)
	switch {
	case s == StateInCredit:
		return StateInCredit
	case !stateGrammar.MatchString(s):
		return StateUnknown
	}
	return foldState(s)
}

func foldState(s string) string { return stateSeparator.Replace(strings.ToUpper(s)) }
