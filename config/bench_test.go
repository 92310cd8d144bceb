package config

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkParse parses as many clients as one configuration is meant for, each with its own
// labels and thresholds.
func BenchmarkParse(b *testing.B) {
	var content strings.Builder
	content.WriteString("api:\n  public_key_file: public.key\n  private_key_file: private.key\nclients:\n")
	for i := range 100_000 {
		fmt.Fprintf(&content, "- id: %d\n  name: Client %d\n  labels: {team: payments, region: uk}\n", 100_000+i, i)
		content.WriteString("  thresholds:\n    GBP: {warning: 50000, critical: 10000}\n    EUR: {warning: 50000, critical: 10000}\n  runway: {warning: 3d, critical: 1d}\n")
	}
	data := []byte(content.String())
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		cfg, err := Parse(data, "")
		if err != nil || len(cfg.Clients) != 100_000 {
			b.Fatal(err)
		}
	}
}
