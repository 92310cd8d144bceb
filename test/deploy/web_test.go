package deploy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

const scraperPassword = "password of the scraper"

// The test covers each way of protecting the endpoint in deploy/web.yml. It checks who has
// access, and what the exporter's own health check says.
func TestEndpointIsProtected(t *testing.T) {
	for name, test := range map[string]struct {
		edit           func(yml string) string
		without        string // what a client without a certificate gets, with the right password
		with           string // what a client with a certificate gets
		withNoPassword string
	}{
		"password": {
			edit:    withHash,
			without: "200", with: "200", withNoPassword: "401",
		},
		"password and client certificate": {
			edit:    func(yml string) string { return withClientCertificates(withHash(yml)) },
			without: "refused", with: "200", withNoPassword: "401",
		},
		"client certificate": {
			edit: func(yml string) string {
				yml, _, _ = strings.Cut(withClientCertificates(yml), "basic_auth_users:")
				return yml
			},
			without: "refused", with: "200", withNoPassword: "200",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			authority := newAuthority(t)
			authority.issue(t, dir, "tls", x509.ExtKeyUsageServerAuth)
			authority.issue(t, dir, "client", x509.ExtKeyUsageClientAuth)
			authority.write(t, filepath.Join(dir, "client-ca.crt"))
			webConfig := filepath.Join(dir, "web.yml")
			write(t, webConfig, test.edit(read(t, "deploy/web.yml")))
			address := serve(t, "demo", "--web.config.file="+webConfig)

			client := func(certificates ...tls.Certificate) *http.Client {
				config := &tls.Config{RootCAs: authority.pool(), Certificates: certificates}
				return &http.Client{Transport: &http.Transport{TLSClientConfig: config}, Timeout: 10 * time.Second}
			}
			certificate, err := tls.LoadX509KeyPair(filepath.Join(dir, "client.crt"), filepath.Join(dir, "client.key"))
			if err != nil {
				t.Fatal(err)
			}
			for _, request := range []struct {
				who      string
				client   *http.Client
				scheme   string
				password string
				want     string
			}{
				{"without a certificate", client(), "https", scraperPassword, test.without},
				{"with a certificate", client(certificate), "https", scraperPassword, test.with},
				{"with a certificate and no password", client(certificate), "https", "", test.withNoPassword},
				{"without TLS", client(), "http", scraperPassword, "400"},
			} {
				if got := status(t, request.client, request.scheme+"://"+address+"/metrics", request.password); got != request.want {
					t.Errorf("%s: %s, want %s", request.who, got, request.want)
				}
			}

			if err := exporter(t, "healthcheck", "--url=https://"+address+"/-/healthy").Run(); err != nil {
				t.Errorf("its own health check: %v", err)
			}
			if err := exporter(t, "healthcheck", "--url=http://"+address+"/-/healthy").Run(); err == nil {
				t.Error("its own health check passes over plain HTTP")
			}
		})
	}
}

// The unchanged example gives an error, not an endpoint with a well-known password.
func TestExampleLetsNobodyIn(t *testing.T) {
	dir := t.TempDir()
	newAuthority(t).issue(t, dir, "tls", x509.ExtKeyUsageServerAuth)
	webConfig := filepath.Join(dir, "web.yml")
	write(t, webConfig, read(t, "deploy/web.yml"))
	cmd := exporter(t, "check", "--igsend.client-id=100045", "--web.config.file="+webConfig)
	cmd.Env = append(os.Environ(), "IGSEND_PUBLIC_KEY=a", "IGSEND_PRIVATE_KEY=b")
	output, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(output), "bcrypt") {
		t.Errorf("check says %v: %s", err, output)
	}
}

func withHash(yml string) string {
	hash, err := bcrypt.GenerateFromPassword([]byte(scraperPassword), bcrypt.MinCost)
	if err != nil {
		panic(err)
	}
	return strings.Replace(yml, "replace-me", string(hash), 1)
}

// withClientCertificates uncomments the lines for client certificates.
func withClientCertificates(yml string) string {
	return strings.NewReplacer("# client_auth_type:", "client_auth_type:", "# client_ca_file:", "client_ca_file:").Replace(yml)
}

func status(t *testing.T, client *http.Client, url, password string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if password != "" {
		request.SetBasicAuth("prometheus", password)
	}
	response, err := client.Do(request)
	if err != nil {
		return "refused"
	}
	defer response.Body.Close()
	return fmt.Sprint(response.StatusCode)
}

// exporter returns a command that runs the exporter. The first call builds it.
func exporter(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	binary := filepath.Join(built, "igsend_exporter")
	if _, err := os.Stat(binary); err != nil {
		build := exec.Command("go", "build", "-o", binary, ".")
		build.Dir = repository
		if output, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, output)
		}
	}
	return exec.Command(binary, args...)
}

// built is the directory of the built exporter while the tests run.
var built string

func TestMain(m *testing.M) {
	helm := exec.Command("go", "build", "-C", filepath.Join(repository, "tools/helm"), "-o", "bin/", "tool")
	helm.Stdout, helm.Stderr = os.Stdout, os.Stderr
	if err := helm.Run(); err != nil {
		panic(err)
	}
	var err error
	if built, err = os.MkdirTemp("", "igsend_exporter"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(built)
	os.Exit(code)
}

// serve starts the exporter, waits until it listens, and returns its address.
func serve(t *testing.T, args ...string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	var log strings.Builder
	server := exporter(t, append(args, "--web.listen-address="+address)...)
	server.Stderr = &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	t.Cleanup(func() {
		_ = server.Process.Signal(os.Interrupt)
		if err := <-ended; err != nil {
			t.Errorf("the exporter ended with %v:\n%s", err, log.String())
		}
	})
	for {
		connection, err := net.Dial("tcp", address)
		if err == nil {
			connection.Close()
			return address
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("the exporter ended at once: %v\n%s", err, log.String())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// An authority issues certificates that are valid during a test.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	a := authority{key: newKey(t)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

func (a authority) write(t *testing.T, path string) {
	t.Helper()
	write(t, path, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})))
}

// issue writes a certificate and its key into dir.
func (a authority) issue(t *testing.T, dir, name string, usage x509.ExtKeyUsage) {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{usage},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, name+".crt"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, filepath.Join(dir, name+".key"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})))
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
