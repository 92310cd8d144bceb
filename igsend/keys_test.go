package igsend_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

func TestKeySource(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	public, private, empty := file("public", " pub\r\n"), file("private", "pri vate\n\n"), file("empty", " \n")
	colon, missing := file("colon", "a:b"), filepath.Join(dir, "missing")
	for name, test := range map[string]struct {
		source igsend.KeySource
		want   igsend.Keys
		err    string
	}{
		"text":            {igsend.KeySource{Public: " pub ", Private: "priv\n"}, igsend.Keys{Public: "pub", Private: "priv"}, ""},
		"files":           {igsend.KeySource{PublicFile: public, PrivateFile: private}, igsend.Keys{Public: "pub", Private: "pri vate"}, ""},
		"one of each":     {igsend.KeySource{Public: "pub", PrivateFile: private}, igsend.Keys{Public: "pub", Private: "pri vate"}, ""},
		"nothing":         {igsend.KeySource{}, igsend.Keys{}, "credentials: public key: not set\nprivate key: not set"},
		"half":            {igsend.KeySource{Public: "secret"}, igsend.Keys{}, "credentials: private key: not set"},
		"an empty file":   {igsend.KeySource{Public: "secret", PrivateFile: empty}, igsend.Keys{}, "credentials: private key: file " + empty + " is empty"},
		"a large file":    {igsend.KeySource{PublicFile: file("large", strings.Repeat("x", 64<<10+1)), Private: "secret"}, igsend.Keys{}, "credentials: public key: file " + filepath.Join(dir, "large") + " is larger than 65536 bytes, which is too large for a key"},
		"a missing file":  {igsend.KeySource{PublicFile: missing, Private: "secret"}, igsend.Keys{}, "credentials: public key: open " + missing + ": no such file or directory"},
		"a colon":         {igsend.KeySource{PublicFile: colon, Private: "secret"}, igsend.Keys{}, "credentials: public key: it contains a colon, which HTTP Basic authentication doesn't allow"},
		"a private colon": {igsend.KeySource{Public: "pub", PrivateFile: colon}, igsend.Keys{Public: "pub", Private: "a:b"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := test.source.Keys()
			text := ""
			if err != nil {
				text = err.Error()
				var e *igsend.Error
				if !errors.As(err, &e) || e.Reason != igsend.ReasonCredentials {
					t.Errorf("the error is %#v, want an *igsend.Error for credentials", err)
				}
			}
			if got != test.want || text != test.err {
				t.Errorf("got %q, want %q", text, test.err)
			}
		})
	}
}

// Keys stay secret in every format in which they can be printed.
func TestKeysPrintRedacted(t *testing.T) {
	source := igsend.KeySource{Public: keys.Public, Private: keys.Private}
	var out bytes.Buffer
	for _, v := range []any{keys, &keys, source, &source, struct{ K igsend.Keys }{keys}, []igsend.KeySource{source}} {
		fmt.Fprintf(&out, "%v %+v %#v %s %q\n", v, v, v, v, v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", v)
	}
	text, err := json.Marshal(keys)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)
	if strings.Contains(out.String(), "4f1c") || strings.Contains(out.String(), "9a7e") {
		t.Errorf("a key is visible:\n%s", out.String())
	}
}

func TestParseClientID(t *testing.T) {
	for text, want := range map[string]igsend.ClientID{
		"1": 1, "100045": 100045, "9223372036854775807": 9223372036854775807,
		"": 0, "0": 0, "-1": 0, "+1": 0, "01": 0, " 1": 0, "1.0": 0, "1e3": 0, "0x1": 0, "1_0": 0, "9223372036854775808": 0, "١": 0,
	} {
		got, err := igsend.ParseClientID(text)
		if diff := cmp.Diff(want, got); diff != "" || (err != nil) != (want == 0) {
			t.Errorf("%q: got %d, %v, want %d", text, got, err, want)
		}
	}
}
