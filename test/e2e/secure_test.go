package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// Prometheus scrapes the exporter over TLS with a password from a file, in each format that it may ask for.
func TestScrapesOverTLS(t *testing.T) {
	t.Parallel()
	s := &stack{dir: t.TempDir(), api: startSimulator(t), prometheusAt: freePort(t), exporterAt: freePort(t)}
	s.setKey(t, "first")
	s.write(t, "igsend.yml", fmt.Sprintf(exporterConfig, s.api.endpoint, s.dir, s.dir))
	s.api.tell(t, map[string]any{
		"Keys":     []string{"public", "first"},
		"Balances": map[string]any{"100045": map[string]string{"GBP": "80000.00"}, "100046": map[string]string{"EUR": "5000.00"}},
	})
	certificate, key := certificate(t)
	s.write(t, "tls.crt", certificate)
	s.write(t, "tls.key", key)
	s.write(t, "password", "correct horse")
	hash, err := bcrypt.GenerateFromPassword([]byte("correct horse"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	web := s.write(t, "web.yml", fmt.Sprintf("tls_server_config: {cert_file: tls.crt, key_file: tls.key}\nbasic_auth_users: {prometheus: %q}\n", hash))
	start(t, "igsend_exporter", "--config.file="+filepath.Join(s.dir, "igsend.yml"), "--web.listen-address="+s.exporterAt, "--web.config.file="+web)

	formats := map[string]string{"text": "PrometheusText0.0.4", "openmetrics": "OpenMetricsText1.0.0", "protobuf": "PrometheusProto"}
	var jobs []any
	for name, protocol := range formats {
		jobs = append(jobs, map[string]any{
			"job_name": name, "scheme": "https", "scrape_protocols": []string{protocol},
			"scrape_native_histograms": true,
			"tls_config":               map[string]any{"ca_file": "tls.crt"},
			"basic_auth":               map[string]any{"username": "prometheus", "password_file": "password"},
			"static_configs":           []any{map[string]any{"targets": []string{s.exporterAt}}},
		})
	}
	file := s.write(t, "prometheus.yml", render(t, map[string]any{
		"global": map[string]any{"scrape_interval": "2s", "scrape_timeout": "2s"}, "scrape_configs": jobs,
	}))
	start(t, "prometheus", "--config.file="+file, "--storage.tsdb.path="+filepath.Join(s.dir, "data"), "--web.listen-address="+s.prometheusAt)
	for name := range formats {
		s.waitFor(t, fmt.Sprintf(`igsend_client_balance{job=%q,client_id="100045",currency="GBP"} == 80000`, name))
	}
	s.waitFor(t, `histogram_count(igsend_upstream_request_duration_seconds{job="protobuf"}) > 0`)
	s.waitFor(t, `igsend_upstream_request_duration_seconds_count{job="openmetrics"} > 0`)
}

func certificate(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "igsend_exporter"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: encoded}))
}
