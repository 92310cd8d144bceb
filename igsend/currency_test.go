package igsend

import "testing"

func TestIsCurrency(t *testing.T) {
	for code, want := range map[string]bool{
		"GBP": true, "JPY": true, "KWD": true, "CLF": true,
		"XAU": true, "XXX": true, // these have no minor unit
		"UKP": false, "gbp": false, "BPG": false, "AUX": false, "XA": false, "": false,
	} {
		if got := IsCurrency(code); got != want {
			t.Errorf("IsCurrency(%q) = %t, want %t", code, got, want)
		}
	}
}
