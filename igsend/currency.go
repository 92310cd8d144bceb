package igsend

import "strings"

// ISO 4217 list one (SIX Interbank Clearing, the maintenance agency), by the
// exponent of the minor unit.
//
// golang.org/x/text/currency can't replace this table: it has the number of digits that
// CLDR uses for display, which is 0 for IQD, COP, IDR and ALL where ISO 4217 has 3, 2,
// 2 and 2. A balance converted with those would be wrong by a factor of up to 1000.
const (
	exponent0 = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
	exponent2 = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD " +
		"CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS " +
		"GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL " +
		"MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK " +
		"PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS " +
		"TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG"
	exponent3 = "BHD IQD JOD KWD LYD OMR TND"
	exponent4 = "CLF UYW"
	// noExponent lists the codes without a minor unit: metals, bond units, test codes.
	noExponent = "XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX"
)

var minorUnitExponents = func() map[string]int32 {
	exponents := make(map[string]int32)
	for exponent, codes := range map[int32]string{0: exponent0, 2: exponent2, 3: exponent3, 4: exponent4} {
		for code := range strings.FieldsSeq(codes) {
			exponents[code] = exponent
		}
	}
	return exponents
}()

// MinorUnitExponent returns the number of decimal places between the major and the
// minor unit of an ISO 4217 currency: 2 for GBP, 0 for JPY. It returns false if
// ISO 4217 does not list the code or gives it no minor unit.
func MinorUnitExponent(currency string) (int32, bool) {
	exponent, ok := minorUnitExponents[currency]
	return exponent, ok
}

// IsCurrency reports whether ISO 4217 lists code as a currency, fund or metal. The
// code must be in upper case.
func IsCurrency(code string) bool {
	_, ok := minorUnitExponents[code]
	return ok || len(code) == 3 && strings.Contains(noExponent, code)
}
