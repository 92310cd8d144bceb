package main

import (
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/bcrypt"

	"github.com/igsend-exporter/igsend_exporter/igsend"
	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

func TestPages(t *testing.T) {
	s := newSite(t)
	_, url := start(t, nil, "--config.file="+s.configFile, "--web.telemetry-path=/balances")
	for _, test := range []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/", 200, `href="/balances"`},
		{"GET", "/-/healthy", 200, "igsend_exporter is healthy."},
		{"HEAD", "/-/healthy", 200, ""},
		{"GET", "/-/ready", 200, "igsend_exporter is ready."},
		{"GET", "/metrics", 404, ""},
		{"GET", "/-/", 404, ""},
		{"GET", "/-/reload", 405, ""},
		{"DELETE", "/-/reload", 405, ""},
		{"GET", "/debug/pprof/", 404, ""},
		{"POST", "/balances", 405, ""},
		{"GET", "/balances/exporter", 200, "igsend_upstream_errors_total"},
		{"POST", "/balances/exporter", 405, ""},
		{"GET", "/balances/other", 404, ""},
		{"GET", "/probe", 400, "client_id"},
		{"HEAD", "/probe?client_id=x", 400, ""},
		{"POST", "/probe?client_id=100045", 405, ""},
		{"GET", "/probe/?client_id=100045", 404, ""},
		{"GET", "/probe?client_id=100046", 404, "Client 100046 is not among the clients of this exporter."},
		{"GET", "/sd", 200, "100045"},
		{"POST", "/sd", 405, ""},
	} {
		status, _, body := request(t, httpClient, test.method, url+test.path)
		if status != test.status || !strings.Contains(body, test.body) {
			t.Errorf("%s %s: HTTP status %d, want %d with %q:\n%s", test.method, test.path, status, test.status, test.body, body)
		}
	}
	if got := s.Stats().Requests; got != 0 {
		t.Errorf("%d requests to IGSend, want none", got)
	}
}

const reloadMetric = "igsend_exporter_config_last_reload_successful"

func TestReload(t *testing.T) {
	s := newSite(t)
	p, url := start(t, nil, "--config.file="+s.configFile)
	up := func() []string { return samples(get(t, url+"/metrics"), "igsend_client_up", reloadMetric) }
	compare := func(want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, up()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	compare(`igsend_client_up{client_id="100045"} 1`, reloadMetric+" 1")

	s.configure("", "- id: 100045\n- id: 100046\n")
	if status, _, body := request(t, httpClient, http.MethodPost, url+"/-/reload"); status != http.StatusOK || body != "Configuration reloaded.\n" {
		t.Errorf("HTTP status %d: %s", status, body)
	}
	compare(`igsend_client_up{client_id="100045"} 1`, `igsend_client_up{client_id="100046"} 0`, reloadMetric+" 1")

	s.configure("", "- id: 0\n")
	status, _, body := request(t, httpClient, http.MethodPut, url+"/-/reload")
	if status != http.StatusInternalServerError || !strings.Contains(body, "clients[0].id") {
		t.Errorf("HTTP status %d, want 500 with the reason: %s", status, body)
	}
	compare(`igsend_client_up{client_id="100045"} 1`, `igsend_client_up{client_id="100046"} 0`, reloadMetric+" 0")

	s.configure("", "- id: 100045\n")
	p.signal(syscall.SIGHUP)
	p.await(`(?s)msg="Configuration reloaded".*msg="Configuration reloaded"`)
	compare(`igsend_client_up{client_id="100045"} 1`, reloadMetric+" 1")

	s.write("private.key", "\n")
	if status, _, body := request(t, httpClient, http.MethodPost, url+"/-/reload"); status != http.StatusInternalServerError || !strings.Contains(body, "private.key is empty") {
		t.Errorf("HTTP status %d, want 500 with the reason: %s", status, body)
	}
}

func TestKeyRotation(t *testing.T) {
	s := newSite(t)
	_, url := start(t, nil, "--config.file="+s.configFile)
	next := igsend.Keys{Public: "public-key-4f1c-next", Private: "private-key-9a7e-next"}
	up := func() string { return strings.Join(samples(get(t, url+"/metrics"), "igsend_client_up"), "") }
	for _, step := range []struct {
		do   func()
		want string
	}{
		{func() {}, "1"},
		{func() { s.SetKeys(next) }, "0"},
		{func() { s.writeKeys(next) }, "1"},
		{func() { s.write("public.key", "") }, "0"},
		{func() { s.writeKeys(next) }, "1"},
	} {
		step.do()
		if got, want := up(), `igsend_client_up{client_id="100045"} `+step.want; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestStopInTheMiddleOfAScrape(t *testing.T) {
	for name, signal := range map[string]os.Signal{"SIGTERM": syscall.SIGTERM, "SIGINT": os.Interrupt} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			asked, answer := make(chan struct{}), make(chan struct{})
			hold := igsendtest.Hold(answer, igsendtest.Documented)
			s.SetFault(func(w http.ResponseWriter, r *http.Request, documented []byte) {
				close(asked)
				hold(w, r, documented)
			})
			p, url := start(t, nil, "--config.file="+s.configFile)
			scraped := make(chan string)
			go func() { scraped <- get(t, url+"/metrics") }()
			<-asked
			p.signal(signal)
			p.await("Stopping")
			close(answer)
			want := []string{`igsend_client_balance{client_id="100045",currency="GBP"} 1.4e+06`}
			if diff := cmp.Diff(want, samples(<-scraped, "igsend_client_balance")); diff != "" {
				t.Errorf("scrape under way (-want +got):\n%s", diff)
			}
			if status := p.exit(); status != 0 {
				t.Errorf("exit status %d, want 0:\n%s", status, p.text())
			}
		})
	}
}

// A scrape that would take longer than a shutdown may take answers with what it has.
func TestStopDoesNotWaitForALongScrape(t *testing.T) {
	t.Parallel() // takes seconds, as another test does
	s := newSite(t)
	asked := make(chan struct{})
	s.SetFault(func(w http.ResponseWriter, r *http.Request, documented []byte) {
		close(asked)
		igsendtest.Hang(w, r, documented)
	})
	s.configure("  request_timeout: 5m\n", "- id: 100045\n")
	p, url := start(t, nil, "--config.file="+s.configFile)
	scraped := make(chan string)
	go func() {
		_, _, body := request(t, httpClient, http.MethodGet, url+"/metrics", "X-Prometheus-Scrape-Timeout-Seconds", "300")
		scraped <- body
	}()
	<-asked
	begin := time.Now()
	p.signal(syscall.SIGTERM)
	want := []string{`igsend_client_up{client_id="100045"} 0`}
	if diff := cmp.Diff(want, samples(<-scraped, "igsend_client_up")); diff != "" {
		t.Errorf("scrape under way (-want +got):\n%s", diff)
	}
	if status := p.exit(); status != 0 {
		t.Errorf("exit status %d, want 0:\n%s", status, p.text())
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("took %s, want at most 10s", took)
	}
}

func TestStartErrors(t *testing.T) {
	s := newSite(t)
	broken := s.write("broken.yml", "api: {concurency: 8}\nclients: []\n")
	file := "--config.file=" + s.configFile
	for name, test := range map[string]struct {
		env  []string
		args []string
		want string
	}{
		"no configuration":         {nil, nil, "--config.file"},
		"a file that is broken":    {nil, []string{"--config.file=" + broken}, "broken.yml:1: api.concurency"},
		"no such file":             {nil, []string{"--config.file=nowhere.yml"}, "nowhere.yml"},
		"a file and flags":         {nil, []string{file, "--igsend.client-id=1"}, "can't be used with"},
		"no key":                   {nil, []string{"--igsend.client-id=1"}, "IGSEND_PUBLIC_KEY"},
		"a missing key file":       {[]string{"IGSEND_PUBLIC_KEY=a", "IGSEND_PRIVATE_KEY_FILE=nowhere"}, []string{"--igsend.client-id=1"}, "nowhere"},
		"a timeout of 0":           {nil, []string{file, "--scrape.timeout=0s"}, "--scrape.timeout=0s"},
		"a negative offset":        {nil, []string{file, "--scrape.timeout-offset=-1s"}, "--scrape.timeout-offset=-1s"},
		"a bad path":               {nil, []string{file, "--web.telemetry-path=metrics"}, "--web.telemetry-path=metrics"},
		"a path that is not clean": {nil, []string{file, "--web.telemetry-path=//x"}, "--web.telemetry-path=//x"},
		"a path for what is below": {nil, []string{file, "--web.telemetry-path=/x/"}, "--web.telemetry-path=/x/"},
		"a path with an escape":    {nil, []string{file, "--web.telemetry-path=/a%zz"}, "--web.telemetry-path=/a%zz"},
		"the path of probes":       {nil, []string{file, "--web.telemetry-path=/probe"}, "--web.telemetry-path=/probe"},
		"the path of targets":      {nil, []string{file, "--web.telemetry-path=/sd"}, "--web.telemetry-path=/sd"},
		"a path that is taken":     {nil, []string{file, "--web.telemetry-path=/-/healthy"}, "--web.telemetry-path=/-/healthy"},
		"a limit below 0":          {nil, []string{file, "--web.max-requests=-1"}, "--web.max-requests=-1"},
		"an address in use":        {nil, []string{file, "--web.listen-address=" + strings.TrimPrefix(strings.TrimSuffix(s.Endpoint(), igsendtest.Path), "https://")}, "address already in use"},
		"no web configuration":     {nil, []string{file, "--web.listen-address=127.0.0.1:0", "--web.config.file=nowhere"}, "--web.config.file=nowhere: open nowhere"},
		"an unknown flag":          {nil, []string{"--nonsense"}, "try --help"},
		"an unknown level":         {nil, []string{"--log.level=loud"}, "try --help"},
	} {
		t.Run(name, func(t *testing.T) {
			_, stderr, status := execute(t, test.env, test.args...)
			if status != 1 || !strings.Contains(stderr, test.want) {
				t.Errorf("exit status %d, want 1 with %q:\n%s", status, test.want, stderr)
			}
		})
	}
}

func TestWithoutAFile(t *testing.T) {
	// The flags can only select the real API, so this test does not scrape.
	for name, env := range map[string][]string{
		"keys in the environment": {"IGSEND_PUBLIC_KEY=" + keys.Public, "IGSEND_PRIVATE_KEY=" + keys.Private},
		"keys in files":           {"IGSEND_PUBLIC_KEY_FILE=" + filepath.Join(newSite(t).dir, "public.key"), "IGSEND_PRIVATE_KEY=" + keys.Private},
	} {
		t.Run(name, func(t *testing.T) {
			_, url := start(t, env, "--igsend.client-id=100045", "--igsend.client-id=100046", "--igsend.environment=sandbox")
			get(t, url+"/-/healthy")
		})
	}
}

// No page and no log line shows a key, even if the API repeats it.
func TestEchoedKeys(t *testing.T) {
	for name, fault := range map[string]igsendtest.Fault{
		"in rows":    igsendtest.EchoKeys(200, 1),
		"in Message": igsendtest.EchoKeys(200, 2),
		"in a name":  igsendtest.EchoKeysMalformed,
		"not HTTP":   igsendtest.EchoKeysNotHTTP,
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.SetFault(fault)
			p, url := start(t, nil, "--config.file="+s.configFile, "--log.level=debug", "--log.format=json")
			get(t, url+"/metrics") // checks for keys, as the end of the process does
			p.await(`"msg":"No complete balance for client"`)
		})
	}
}

// net/http logs data that follows an answer, unless the program prevents that.
func TestWhatFollowsAnAnswerIsNotLogged(t *testing.T) {
	s := newSite(t)
	s.SetFault(igsendtest.Raw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}LEFTOVER " + keys.Private))
	p, url := start(t, nil, "--config.file="+s.configFile)
	for range 3 {
		get(t, url+"/metrics")
	}
	if strings.Contains(p.text(), "LEFTOVER") {
		t.Errorf("it was logged:\n%s", p.text())
	}
}

func TestTLSAndBasicAuth(t *testing.T) {
	s := newSite(t)
	certificate, key := selfSigned(t)
	s.write("web.crt", certificate)
	s.write("web.key", key)
	password, err := bcrypt.GenerateFromPassword([]byte("swordfish"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	web := s.write("web.yml", "tls_server_config: {cert_file: web.crt, key_file: web.key}\nbasic_auth_users: {prometheus: "+string(password)+"}\n")
	_, url := start(t, nil, "--config.file="+s.configFile, "--web.config.file="+web)
	url = strings.Replace(url, "http:", "https:", 1)
	client := trusting(t, certificate)
	for _, page := range []string{"/metrics", "/metrics/exporter", "/probe?client_id=100045", "/probe?client_id=1", "/probe", "/sd"} {
		if status, _, _ := request(t, client, http.MethodGet, url+page); status != http.StatusUnauthorized {
			t.Errorf("%s without a password: HTTP status %d, want 401", page, status)
		}
	}
	if got := s.Stats().Requests; got != 0 {
		t.Errorf("%d requests to IGSend without a password, want none", got)
	}
	status, _, body := request(t, client, http.MethodGet, url+"/metrics", "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("prometheus:swordfish")))
	if status != http.StatusOK || len(samples(body, "igsend_client_balance")) != 1 {
		t.Errorf("with the password: HTTP status %d:\n%s", status, body)
	}
	if _, stderr, status := execute(t, nil, "healthcheck", "--url="+url+"/-/healthy"); status != 0 {
		t.Errorf("healthcheck: exit status %d: %s", status, stderr)
	}
}
