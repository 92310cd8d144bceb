package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

func TestCheck(t *testing.T) {
	s := newSite(t)
	file := "--config.file=" + s.configFile
	empty := s.write("empty.key", "\n")
	broken := s.write("broken.yml", `api:
  public_key_file: public.key
  private_key_file: empty.key
  concurrency: 0
  proxy_url: "http://user:private-key-9a7e@[::1"
clients:
- id: 100045
- id: 100045
  thresholds: {GBP: {warning: 1, critical: 2}}
`)
	unreadable := s.write("unreadable.yml", `api:
  public_key_file: public.key
  private_key_file: empty.key
  tls_config: {ca_file: nowhere.pem}
clients: [{id: 1}]
`)
	keyless := s.write("keyless.yml", "api: {public_key_file: nowhere, private_key_file: nowhere}\nclients: [{id: 1}]\n")
	doubtful := s.write("doubtful.yml", `api:
  public_key_file: public.key
  private_key_file: public.key
  environment: sandbox
  balance_unit: minor
clients:
- {id: 1, thresholds: {GBP: {crtical: 1}}}
- id: 2
`)
	s.write("more.yml", "clients:\n- id: 2\n- id: 3\n")
	const withMore = "api: {public_key_file: public.key, private_key_file: private.key}\nclients: [{id: 1}]\nclients_from: more.yml\n"
	further := s.write("further.yml", withMore)
	twice := s.write("twice.yml", strings.Replace(withMore, "id: 1", "id: 2", 1))
	web := s.write("web.yml", "tls_server_config: {cert_file: nowhere.crt, key_file: nowhere.key}\n")
	for name, test := range map[string]struct {
		args   []string
		status int
		want   []string
	}{
		"valid":         {[]string{file}, 0, []string{"OK: 1 client at " + s.Endpoint() + "; balances are read in the major unit: 1400000 is 1400000.00 GBP"}},
		"further files": {[]string{"--config.file=" + further}, 0, []string{"OK: 3 clients in 2 files at https://api.igsend.co.uk/"}},
		"a duplicate in a further file": {[]string{"--config.file=" + twice}, 1, []string{
			filepath.Join(s.dir, "more.yml") + ":2: clients[0].id: 2 is also the ID in " + twice + ":2 (clients[0].id): list each client once",
		}},
		"warnings": {[]string{"--config.file=" + doubtful}, 0, []string{
			"OK: 2 clients at https://sandbox.api.igsend.co.uk/services/clientbalance/; balances are read in the minor unit: 1400000 is 14000.00 GBP",
			doubtful + ":3: warning: api.private_key_file: is the same key as public_key_file",
			doubtful + ":7: warning: clients[0].thresholds.GBP.crtical: looks like a misspelt critical",
		}},
		"warnings beside errors": {[]string{"--config.file=" + doubtful, "--web.config.file=" + web}, 1, []string{
			"--web.config.file=", doubtful + ":3: warning: ", doubtful + ":7: warning: ",
		}},
		"all that is wrong, in order": {[]string{"--config.file=" + broken}, 1, []string{
			broken + ":3: api.private_key_file: ", broken + ":4: api.concurrency: ", broken + ":5: api.proxy_url: ", broken + ":8: clients[1].id: ", broken + ":9: clients[1].thresholds.GBP.critical: ",
		}},
		"key files and certificates": {[]string{"--config.file=" + unreadable}, 1, []string{
			unreadable + ":3: api.private_key_file: credentials: private key: file " + empty + " is empty",
			unreadable + ":4: api.tls_config: unable to read CA cert: unable to read file " + filepath.Join(s.dir, "nowhere.pem"),
		}},
		"every key file": {[]string{"--config.file=" + keyless}, 1, []string{
			keyless + ":1: api.public_key_file: ", keyless + ":1: api.private_key_file: ",
		}},
		"flags that a start would refuse": {[]string{file, "--scrape.timeout=0s"}, 1, []string{"--scrape.timeout=0s: must be above 0"}},
		"the web configuration, too": {[]string{"--config.file=" + broken, "--web.config.file=" + web}, 1, []string{
			broken + ":3: ", broken + ":4: ", broken + ":5: ", broken + ":8: ", broken + ":9: ", "--web.config.file=",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, status := execute(t, nil, append([]string{"check"}, test.args...)...)
			lines := strings.Split(strings.TrimSpace(stdout), "\n")
			if status != test.status || stderr != "" || len(lines) != len(test.want) {
				t.Fatalf("exit status %d, want %d, with %d lines:\n%s%s", status, test.status, len(test.want), stdout, stderr)
			}
			for i, want := range test.want {
				if !strings.HasPrefix(lines[i], want) {
					t.Errorf("line %d is\n%s\nwant\n%s…", i+1, lines[i], want)
				}
			}
		})
	}
	if got := s.Stats().Requests; got != 0 {
		t.Errorf("%d requests to IGSend, want none", got)
	}
}

// The balance command stops after a refused key, as a scrape does.
func TestBalanceStopsAtARefusedKey(t *testing.T) {
	s := newSite(t)
	s.SetFault(igsendtest.Status(401))
	ids := strings.Fields("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20")
	stdout, _, status := execute(t, nil, append([]string{"balance", "--config.file=" + s.configFile}, ids...)...)
	if got := strings.Count(stdout, "unauthorized"); got != 20 || status != 1 {
		t.Errorf("exit status %d, %d clients unauthorized, want 20:\n%s", status, got, stdout)
	}
	if got := s.Stats().Requests; got > 8 {
		t.Errorf("%d requests with a refused key, want no more than were in flight", got)
	}
}

func TestDemo(t *testing.T) {
	p, url := start(t, nil, "demo")
	p.await(`Open ` + regexp.QuoteMeta(url) + `/metrics for the balances of \d+ clients`)
	body := get(t, url+"/metrics")
	if got := len(samples(body, "igsend_client_up")); got < 6 {
		t.Errorf("%d clients, want at least 6", got)
	}
	for _, want := range []string{"igsend_client_balance", "igsend_client_balance_threshold", "igsend_client_runway_threshold_seconds", "igsend_client_errors_total"} {
		if len(samples(body, want)) == 0 {
			t.Errorf("%s is missing", want)
		}
	}
	if !strings.Contains(body, `state="OVERDRAWN"} 1`) || !strings.Contains(body, `reason="rejected"} 1`) {
		t.Errorf("neither an overdrawn nor a rejected client:\n%s", body)
	}
	if status, _, _ := request(t, httpClient, "POST", url+"/-/reload"); status != 200 {
		t.Errorf("reload: HTTP status %d", status)
	}
	// A taken port is noticed before an address is printed.
	if stdout, _, status := execute(t, nil, "demo", "--web.listen-address="+strings.TrimPrefix(url, "http://")); status != 1 || stdout != "" {
		t.Errorf("on a taken port: exit status %d, want 1 and no output: %s", status, stdout)
	}
	p.signal(os.Interrupt)
	if status := p.exit(); status != 0 {
		t.Errorf("exit status %d, want 0", status)
	}
}

func TestDemoOverTLS(t *testing.T) {
	s := newSite(t)
	certificate, key := selfSigned(t)
	s.write("web.crt", certificate)
	s.write("web.key", key)
	web := s.write("web.yml", "tls_server_config: {cert_file: web.crt, key_file: web.key}\n")
	p, url := start(t, nil, "demo", "--web.config.file="+web)
	p.await("Open " + strings.Replace(url, "http:", "https:", 1) + "/metrics ")
}

func TestHealthcheck(t *testing.T) {
	s := newSite(t)
	p, url := start(t, nil, "--config.file="+s.configFile)
	if _, stderr, status := execute(t, nil, "healthcheck", "--url="+url+"/-/healthy"); status != 0 {
		t.Errorf("exit status %d: %s", status, stderr)
	}
	if _, stderr, status := execute(t, nil, "healthcheck", "--url="+url+"/nowhere"); status != 1 || !strings.Contains(stderr, "HTTP status 404") {
		t.Errorf("exit status %d, want 1: %s", status, stderr)
	}
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.exit()
	if _, stderr, status := execute(t, nil, "healthcheck", "--url="+url+"/-/healthy"); status != 1 {
		t.Errorf("exit status %d after the exporter has ended, want 1: %s", status, stderr)
	}
}
