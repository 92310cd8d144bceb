// Package compare compares the exporter with json_exporter, which can turn IGSend's answers
// into metrics, too.
//
//	go test -bench . -benchtime 10x
package compare

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// jsonConfig is the configuration of json_exporter. The module balance is as small as possible,
// and the benchmark uses it. The module status is for users who know that IGSend reports
// failures in the body. Prometheus would add the client's ID to the samples, as a target label.
const jsonConfig = `modules:
  balance: &module
    http_client_config: {basic_auth: {username_file: DIR/public.key, password_file: DIR/private.key}}
    metrics:
    - &balance
      name: igsend_client
      type: object
      path: '{.tableRes[*]}'
      labels: {currency: '{.Balance\ Currency}'}
      values: {balance: '{.AccountBalance}'}
  status:
    <<: *module
    metrics:
    - *balance
    - {name: igsend_client_status, path: '{.coreRes.status}'}
`

// A rig is the simulated API over TLS and the two exporters, each a process of its own.
type rig struct {
	endpoint     string
	orders       io.Writer
	answers      *json.Decoder
	igsend, json program
}

// newRig builds and starts the programs. The exporters find the API's certificate among the
// system's. Client 1 is configured, but the API doesn't know it.
func newRig(tb testing.TB, clients int) *rig {
	tb.Helper()
	dir := tb.TempDir()
	build(tb, dir, ".", "github.com/prometheus-community/json_exporter")
	build(tb, dir, "../..", ".", "./test/simulator")

	api := exec.CommandContext(tb.Context(), filepath.Join(dir, "simulator"), "-tls", "-clients", fmt.Sprint(clients), "-dir", dir)
	orders, err := api.StdinPipe()
	must(tb, err)
	output, err := api.StdoutPipe()
	must(tb, err)
	must(tb, api.Start())
	tb.Cleanup(func() { _ = api.Wait() })
	r := &rig{orders: orders}
	_, err = fmt.Fscanln(output, &r.endpoint)
	must(tb, err)
	r.answers = json.NewDecoder(output)

	config, err := os.ReadFile(filepath.Join(dir, "igsend.yml"))
	must(tb, err)
	r.igsend = start(tb, dir, "igsend_exporter", string(config)+"- id: 1\n")
	r.json = start(tb, dir, "json_exporter", strings.ReplaceAll(jsonConfig, "DIR", dir))
	return r
}

// order changes what the API answers, and returns the number of connections so far. Each
// connection is a TLS handshake.
func (r *rig) order(tb testing.TB, order string) int {
	tb.Helper()
	var stats struct{ Connections int }
	_, err := fmt.Fprintln(r.orders, order)
	must(tb, err)
	must(tb, r.answers.Decode(&stats))
	return stats.Connections
}

// A program is an exporter that listens.
type program struct {
	url string
	pid int
}

var listening = regexp.MustCompile(`address=(127\.0\.0\.1:\d+)`)

func start(tb testing.TB, dir, name, config string) program {
	tb.Helper()
	file := filepath.Join(dir, name+".yml")
	must(tb, os.WriteFile(file, []byte(config), 0o600))
	cmd := exec.CommandContext(tb.Context(), filepath.Join(dir, name), "--config.file="+file, "--web.listen-address=127.0.0.1:0")
	cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+filepath.Join(dir, "ca.pem"))
	output, err := cmd.StderrPipe()
	must(tb, err)
	must(tb, cmd.Start())
	tb.Cleanup(func() { _ = cmd.Wait() })
	for log := bufio.NewScanner(output); log.Scan(); {
		if match := listening.FindStringSubmatch(log.Text()); match != nil {
			go func() { _, _ = io.Copy(io.Discard, output) }()
			return program{"http://" + match[1], cmd.Process.Pid}
		}
	}
	tb.Fatalf("%s does not listen", name)
	return program{}
}

// cpu returns the CPU time of the process so far, without the rounding of /proc/PID/stat.
func (p program) cpu(tb testing.TB) time.Duration {
	tb.Helper()
	const processClock = 2 // CPUCLOCK_SCHED; clock_getcpuclockid(3) makes the same number
	var t unix.Timespec
	must(tb, unix.ClockGettime(int32(^p.pid<<3|processClock), &t))
	return time.Duration(t.Nano())
}

func build(tb testing.TB, dir, module string, packages ...string) {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), "go", append([]string{"build", "-C", module, "-o", dir + "/"}, packages...)...)
	if output, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("%v\n%s", err, output)
	}
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
