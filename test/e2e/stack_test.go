package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// A stack is everything between the IGSend API and the person on call.
type stack struct {
	dir          string
	api          *simulator
	receiver     *receiver
	exporter     *process
	exporterAt   string
	alertmanager string // its address
	prometheus   *process
	prometheusAt string
	classicOnly  bool // prometheus.yml without native histograms, as it says for an old Prometheus
}

const exporterConfig = `
api:
  endpoint: %s
  public_key_file: %s/public.key
  private_key_file: %s/private.key
clients:
- id: 100045
  name: Payroll
  thresholds: {GBP: {warning: 50000, critical: 10000}}
- id: 100046
  name: Suppliers
  thresholds: {EUR: {warning: 1000}}
`

func startStack(t *testing.T) *stack {
	t.Helper()
	s := &stack{dir: t.TempDir(), receiver: startReceiver(t), api: startSimulator(t), prometheusAt: freePort(t)}
	s.setKey(t, "first")
	s.write(t, "igsend.yml", fmt.Sprintf(exporterConfig, s.api.endpoint, s.dir, s.dir))
	s.startExporter(t)
	s.startAlertmanager(t)
	s.startPrometheus(t)
	return s
}

func (s *stack) write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// setKey puts a key where the exporter looks for it.
func (s *stack) setKey(t *testing.T, private string) {
	t.Helper()
	s.write(t, "public.key", "public\n")
	s.write(t, "private.key", private+"\n")
}

func (s *stack) startExporter(t *testing.T) {
	t.Helper()
	s.exporterAt = freePort(t)
	s.exporter = start(t, "igsend_exporter", "--config.file="+filepath.Join(s.dir, "igsend.yml"), "--web.listen-address="+s.exporterAt)
	eventually(t, "the exporter is ready", func() error {
		_, err := get(t.Context(), "http://"+s.exporterAt+"/-/ready")
		return err
	})
}

// startAlertmanager runs the shipped configuration. It changes only the group intervals and the paths of the secrets.
func (s *stack) startAlertmanager(t *testing.T) {
	t.Helper()
	config := strings.ReplaceAll(shipped(t, alertmanagerConfig), "/etc/alertmanager/secrets", filepath.Join(s.dir, "secrets"))
	for _, name := range []string{"page", "chat", "heartbeat"} {
		s.write(t, "secrets/"+name+"_url", s.receiver.url+"/"+name)
	}
	var tree map[string]any
	if err := yaml.Unmarshal([]byte(config), &tree); err != nil {
		t.Fatal(err)
	}
	hurry(tree["route"].(map[string]any))
	s.write(t, "alertmanager/templates/igsend.tmpl", shipped(t, templates))
	file := s.write(t, "alertmanager/alertmanager.yml", render(t, tree))
	s.alertmanager = freePort(t)
	start(t, "alertmanager", "--config.file="+file, "--storage.path="+filepath.Join(s.dir, "nflog"),
		"--web.listen-address="+s.alertmanager, "--cluster.listen-address=")
	eventually(t, "Alertmanager is ready", func() error {
		_, err := get(t.Context(), "http://"+s.alertmanager+"/-/ready")
		return err
	})
}

// hurry shortens how long a route and those below it collect alerts before they send them.
func hurry(route map[string]any) {
	route["group_wait"], route["group_interval"] = "2s", "2s"
	routes, _ := route["routes"].([]any)
	for _, r := range routes {
		hurry(r.(map[string]any))
	}
}

// startPrometheus runs the shipped configuration and rules. It changes only intervals and addresses.
func (s *stack) startPrometheus(t *testing.T) {
	t.Helper()
	s.writePrometheusConfig(t)
	s.prometheus = start(t, "prometheus", "--config.file="+filepath.Join(s.dir, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(s.dir, "data"), "--web.listen-address="+s.prometheusAt, "--web.enable-lifecycle", "--web.enable-remote-write-receiver",
		// An alert that was pending long enough before a restart fires after it; see skip.
		"--rules.alert.for-grace-period=0s", "--rules.alert.resend-delay=10s")
	eventually(t, "Prometheus is ready", func() error {
		_, err := get(t.Context(), "http://"+s.prometheusAt+"/-/ready")
		return err
	})
}

func (s *stack) writePrometheusConfig(t *testing.T) {
	t.Helper()
	var tree map[string]any
	if err := yaml.Unmarshal([]byte(shipped(t, prometheusConfig)), &tree); err != nil {
		t.Fatal(err)
	}
	global := tree["global"].(map[string]any)
	global["scrape_interval"], global["scrape_timeout"], global["evaluation_interval"] = "2s", "2s", "2s"
	rules, err := filepath.Abs(ruleFile)
	if err != nil {
		t.Fatal(err)
	}
	tree["rule_files"] = []string{rules}
	static := func(address string) []any { return []any{map[string]any{"targets": []string{address}}} }
	addresses := map[string]string{"igsend": s.exporterAt, "prometheus": s.prometheusAt, "alertmanager": s.alertmanager}
	for _, sc := range tree["scrape_configs"].([]any) {
		job := sc.(map[string]any)
		job["static_configs"] = static(addresses[job["job_name"].(string)])
		if s.classicOnly {
			delete(job, "scrape_native_histograms")
			delete(job, "always_scrape_classic_histograms")
		}
	}
	for _, am := range tree["alerting"].(map[string]any)["alertmanagers"].([]any) {
		am.(map[string]any)["static_configs"] = static(s.alertmanager)
	}
	s.write(t, "prometheus.yml", render(t, tree))
}

func shipped(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func render(t *testing.T, tree any) string {
	t.Helper()
	b, err := yaml.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A simulator is the simulated IGSend API in a process of its own.
type simulator struct {
	endpoint string
	orders   io.Writer
	answers  *bufio.Scanner
}

func startSimulator(t *testing.T, args ...string) *simulator {
	t.Helper()
	cmd := exec.Command(program("simulator"), args...)
	orders, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = orders.Close()
		_ = cmd.Wait()
	})
	a := &simulator{orders: orders, answers: bufio.NewScanner(out)}
	if !a.answers.Scan() {
		t.Fatal("the simulator did not start")
	}
	a.endpoint = a.answers.Text()
	return a
}

// tell gives the simulator an order and waits until it has been carried out.
func (a *simulator) tell(t *testing.T, order map[string]any) {
	t.Helper()
	if err := json.NewEncoder(a.orders).Encode(order); err != nil {
		t.Fatal(err)
	}
	if !a.answers.Scan() {
		t.Fatalf("the simulator did not carry out %v", order)
	}
}

func (s *stack) query(t *testing.T, promQL string) ([]map[string]string, error) {
	t.Helper()
	body, err := get(t.Context(), "http://"+s.prometheusAt+"/api/v1/query?query="+url.QueryEscape(promQL))
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data struct {
			Result []struct{ Metric map[string]string }
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	var found []map[string]string
	for _, r := range answer.Data.Result {
		found = append(found, r.Metric)
	}
	return found, nil
}

// waitFor waits until a query returns something.
func (s *stack) waitFor(t *testing.T, promQL string) {
	t.Helper()
	eventually(t, promQL, func() error {
		found, err := s.query(t, promQL)
		if err == nil && len(found) == 0 {
			err = fmt.Errorf("the query returned nothing")
		}
		return err
	})
}
