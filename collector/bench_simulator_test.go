//go:build unix

package collector_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/igsend-exporter/igsend_exporter/igsend"
	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

// A simulator is the program in test/simulator, over TLS.
type simulator struct {
	endpoint string
	keys     igsend.Keys
	clients  []igsend.ClientID
	roots    *x509.CertPool

	orders  io.Writer
	answers *json.Decoder
}

func startSimulator(b *testing.B, clients int, latency time.Duration) *simulator {
	b.Helper()
	dir := b.TempDir()
	cmd := exec.Command("go", "run", "../test/simulator", "-tls", "-clients", fmt.Sprint(clients), "-latency", latency.String(), "-dir", dir)
	cmd.Stderr = os.Stderr
	orders, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = orders.Close()
		if err := cmd.Wait(); err != nil {
			b.Error(err)
		}
	})
	s := &simulator{roots: x509.NewCertPool(), orders: orders}
	if _, err := fmt.Fscanln(output, &s.endpoint); err != nil {
		b.Fatal(err)
	}
	s.answers = json.NewDecoder(output)
	read := func(name string) string {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			b.Fatal(err)
		}
		return strings.TrimSpace(string(content))
	}
	s.keys = igsend.Keys{Public: read("public.key"), Private: read("private.key")}
	s.roots.AppendCertsFromPEM([]byte(read("ca.pem")))
	for i := range clients {
		s.clients = append(s.clients, igsend.ClientID(100045+i))
	}
	return s
}

func (s *simulator) tls() *tls.Config { return &tls.Config{RootCAs: s.roots} }

// stats returns the counts so far.
func (s *simulator) stats(b *testing.B) igsendtest.Stats {
	b.Helper()
	var stats igsendtest.Stats
	if _, err := io.WriteString(s.orders, "{}\n"); err != nil {
		b.Fatal(err)
	}
	if err := s.answers.Decode(&stats); err != nil {
		b.Fatal(err)
	}
	return stats
}
