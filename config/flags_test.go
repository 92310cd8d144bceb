package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

func TestFromFlags(t *testing.T) {
	keys := igsend.KeySource{Public: "p", PrivateFile: keyFile(t, secret, 0o600)}
	for name, tt := range map[string]struct {
		environment string
		want        API
	}{
		"default": {"", API{Environment: "live", Endpoint: "https://api.igsend.co.uk/services/clientbalance/"}},
		"live":    {"live", API{Environment: "live", Endpoint: "https://api.igsend.co.uk/services/clientbalance/"}},
		"sandbox": {"sandbox", API{Environment: "sandbox", Endpoint: "https://sandbox.api.igsend.co.uk/services/clientbalance/"}},
	} {
		t.Run(name, func(t *testing.T) {
			tt.want.Keys, tt.want.BalanceUnit = keys, igsend.UnitMajor
			tt.want.Concurrency, tt.want.RequestTimeout, tt.want.MaxAttempts = 8, 5*time.Second, 2
			want := &Config{API: tt.want, Clients: []Client{{ID: 100046}, {ID: 100045}}}
			got, err := FromFlags([]string{"100046", "100045"}, tt.environment, keys)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, wholly); diff != "" {
				t.Errorf("configuration differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFromFlagsInvalid(t *testing.T) {
	good := igsend.KeySource{Public: "p", Private: secret}
	file := keyFile(t, secret, 0o600)
	for name, tt := range map[string]struct {
		ids         []string
		environment string
		keys        igsend.KeySource
		want        string
	}{
		"no client":        {nil, "", good, "--igsend.client-id: is missing: name at least one client, such as --igsend.client-id=100045"},
		"zero":             {[]string{"0"}, "", good, `--igsend.client-id: must be a positive whole number of at most 19 plain digits, such as 100045, not "0"`},
		"list in one flag": {[]string{"100045,100046"}, "", good, `--igsend.client-id: must be a positive whole number of at most 19 plain digits, such as 100045, not "100045,100046"`},
		"same client":      {[]string{"100045", "1", "100045"}, "", good, "--igsend.client-id: 100045 is given twice: remove one"},
		"environment":      {[]string{"1"}, "Live", good, `--igsend.environment: must be live or sandbox, not "Live"`},
		"no public key":    {[]string{"1"}, "", igsend.KeySource{PrivateFile: file}, "IGSEND_PUBLIC_KEY: is missing: set it to the key, or IGSEND_PUBLIC_KEY_FILE to the name of the file that holds it"},
		"blank key":        {[]string{"1"}, "", igsend.KeySource{PublicFile: file, Private: " \n"}, "IGSEND_PRIVATE_KEY: is missing: set it to the key, or IGSEND_PRIVATE_KEY_FILE to the name of the file that holds it"},
		"key and file":     {[]string{"1"}, "", igsend.KeySource{PublicFile: file, Private: secret, PrivateFile: file}, "IGSEND_PRIVATE_KEY: IGSEND_PRIVATE_KEY_FILE is also set: unset one"},
		"key file":         {[]string{"1"}, "", igsend.KeySource{Public: "p", PrivateFile: file + "x"}, "IGSEND_PRIVATE_KEY_FILE: credentials: private key: open " + file + "x: no such file or directory"},
		"everything": {[]string{"a", "b"}, "test", igsend.KeySource{Public: secret, PublicFile: file}, strings.Join([]string{
			`--igsend.environment: must be live or sandbox, not "test"`,
			`--igsend.client-id: must be a positive whole number of at most 19 plain digits, such as 100045, not "a"`,
			`--igsend.client-id: must be a positive whole number of at most 19 plain digits, such as 100045, not "b"`,
			"IGSEND_PUBLIC_KEY: IGSEND_PUBLIC_KEY_FILE is also set: unset one",
			"IGSEND_PRIVATE_KEY: is missing: set it to the key, or IGSEND_PRIVATE_KEY_FILE to the name of the file that holds it",
		}, "\n")},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, err := FromFlags(tt.ids, tt.environment, tt.keys)
			if cfg != nil || err == nil {
				t.Fatalf("got a configuration: %t, and the error %v", cfg != nil, err)
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("errors differ (-want +got):\n%s", diff)
			}
		})
	}
}
