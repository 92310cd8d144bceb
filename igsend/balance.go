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
	// State is the state that IGSend reports, in upper case and with underscores in
	// place of spaces and dashes. IGSend documents only "IN_CREDIT". State is
	// [StateUnknown] if IGSend reports no state, or one that can't be used as a label.
	State string
}

// States that this package knows.
const (
	StateInCredit = "IN_CREDIT"
	StateUnknown  = "UNKNOWN"
)

// A Unit is the unit in which IGSend writes balances. IGSend does not document it, so it
// has to be configured.
type Unit string

// The units.
const (
	// UnitMajor: "1400000" is 1400000.00 GBP.
	UnitMajor Unit = "major"
	// UnitMinor: "1400000" is 14000.00 GBP, or 1400000 JPY. ISO 4217 says how many
	// decimal places a currency has.
	UnitMinor Unit = "minor"
)

// maxAmountLength limits the text of a balance. Forty characters are enough for any sum
// of money; arithmetic on much longer numbers could use up memory and CPU.
const maxAmountLength = 40

// isPlainDecimal reports whether s matches -?[0-9]+(\.[0-9]+)?, which can be read in only
// one way.
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

// parseAmount converts the text of a balance to the major unit of currency. It returns
// the problem if it can't.
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
	exponent, ok := MinorUnitExponent(currency)
	if !ok {
		return decimal.Decimal{}, "the currency has no minor unit in ISO 4217, so the balance can't be converted"
	}
	return amount.Shift(-exponent), ""
}

// parseCurrency returns s in upper case if it is three ASCII letters.
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

// parseState converts a reported state to a label value.
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
