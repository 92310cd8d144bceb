package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"github.com/igsend-exporter/igsend_exporter/igsend"
	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

// TestMain provides the command igsend_exporter, a copy of the test binary. So tests run the
// program as users do, with flags, environment, signals and exit status.
func TestMain(m *testing.M) {
	testscript.Main(leakTest{m}, map[string]func(){"igsend_exporter": main})
}

type leakTest struct{ *testing.M }

func (m leakTest) Run() int {
	status := m.M.Run()
	if err := goleak.Find(); err != nil && status == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return status
}

var keys = igsend.Keys{Public: "public-key-4f1c", Private: "private-key-9a7e"}

// patience is how long a test waits for something that should happen at once.
const patience = 30 * time.Second

// A process is the running program.
type process struct {
	t    testing.TB
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended

	mu     sync.Mutex
	output bytes.Buffer // stdout and stderr
	grown  chan struct{}
}

// program returns a command that runs the program with args and only env as environment.
func program(ctx context.Context, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "igsend_exporter", args...)
	cmd.Env = append([]string{"GOCOVERDIR=" + os.Getenv("GOCOVERDIR"), "SYSTEMROOT=" + os.Getenv("SYSTEMROOT")}, env...)
	return cmd
}

// execute runs the program and returns its output and its exit status.
func execute(t *testing.T, env []string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := program(t.Context(), env, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	noKeys(t, out.String()+errs.String())
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// launch starts the program. The test does not end before it.
func launch(tb testing.TB, env []string, args ...string) *process {
	tb.Helper()
	p := &process{t: tb, done: make(chan struct{}), grown: make(chan struct{}, 1)}
	p.cmd = program(context.Background(), env, args...)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if err := p.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // the test checks the exit status
		close(p.done)
	}()
	tb.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
		noKeys(tb, p.text())
	})
	return p
}

// start launches the program on a free port and returns when it serves.
func start(tb testing.TB, env []string, args ...string) (*process, string) {
	tb.Helper()
	p := launch(tb, env, append(args, "--web.listen-address=127.0.0.1:0")...)
	address := p.await(`(127\.0\.0\.1:\d+).*\n.*TLS is `)[1] // in either format of the log
	return p, "http://" + address
}

// signal sends the program a signal.
func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// Write receives the output of the program.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case p.grown <- struct{}{}:
	default:
	}
	return p.output.Write(b)
}

func (p *process) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

// await waits until the output matches the pattern, and returns the match.
func (p *process) await(pattern string) []string {
	p.t.Helper()
	expression := regexp.MustCompile(pattern)
	timeout := time.After(patience)
	for {
		if match := expression.FindStringSubmatch(p.text()); match != nil {
			return match
		}
		select {
		case <-p.grown:
		case <-p.done:
			if match := expression.FindStringSubmatch(p.text()); match != nil {
				return match
			}
			p.t.Fatalf("ended before it wrote %s:\n%s", pattern, p.text())
		case <-timeout:
			p.t.Fatalf("did not write %s:\n%s", pattern, p.text())
		}
	}
}

// exit waits until the program ends and returns its exit status.
func (p *process) exit() int {
	p.t.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		p.t.Fatalf("did not end:\n%s", p.text())
		return -1
	}
}

// noKeys checks that the output of the program does not contain the keys.
func noKeys(tb testing.TB, text string) {
	tb.Helper()
	const basic = "cHVibGljLWtleS00ZjFj" // the beginning of the Authorization header
	for line := range strings.Lines(text) {
		if strings.Contains(line, "4f1c") || strings.Contains(line, "9a7e") || strings.Contains(line, basic) {
			tb.Errorf("a key is visible: %s", line)
		}
	}
}

// httpClient keeps no connections, so that none outlives its test.
var httpClient = &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}

// request makes a request and returns the status, the header and the body.
func request(t *testing.T, client *http.Client, method, url string, header ...string) (int, http.Header, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	noKeys(t, fmt.Sprint(resp.Header)+string(body))
	return resp.StatusCode, resp.Header, string(body)
}

// get returns the body of a page, which must answer 200.
func get(t *testing.T, url string) string {
	t.Helper()
	status, _, body := request(t, httpClient, http.MethodGet, url)
	if status != http.StatusOK {
		t.Errorf("%s: HTTP status %d: %s", url, status, body)
	}
	return body
}

// samples returns the lines of an exposition for the named metrics.
func samples(exposition string, names ...string) []string {
	var found []string
	lines := bufio.NewScanner(strings.NewReader(exposition))
	for lines.Scan() {
		name, _, _ := strings.Cut(lines.Text(), " ")
		name, _, _ = strings.Cut(name, "{")
		for _, n := range names {
			if n == name {
				found = append(found, lines.Text())
			}
		}
	}
	return found
}

// A site is a simulated API and the files of an exporter that uses it.
type site struct {
	*igsendtest.Server
	t          *testing.T
	dir        string
	configFile string
}

// newSite makes a site over TLS with one client, 100045, that has 1400000 GBP.
func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{Server: igsendtest.NewTLSServer(keys), t: t, dir: t.TempDir()}
	t.Cleanup(s.Close)
	s.configFile = filepath.Join(s.dir, "igsend.yml")
	s.write("ca.pem", string(s.CertificatePEM()))
	s.writeKeys(keys)
	s.SetClient(100045, igsendtest.Client{Rows: []igsendtest.Row{{Balance: "1400000", Currency: "GBP"}}})
	s.configure("", "- id: 100045\n")
	return s
}

func (s *site) write(name, content string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

func (s *site) writeKeys(keys igsend.Keys) {
	s.write("public.key", keys.Public+"\n")
	s.write("private.key", keys.Private+"\n")
}

// configure writes the configuration, with additional lines below api and the clients.
func (s *site) configure(api, clients string) {
	s.write("igsend.yml", fmt.Sprintf(`api:
  endpoint: %s
  public_key_file: public.key
  private_key_file: private.key
  tls_config: {ca_file: ca.pem}
%sclients:
%s`, s.Endpoint(), api, clients))
}
