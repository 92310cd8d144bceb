package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/igsend"
	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

// A simulator is the program, running inside the test.
type simulator struct {
	endpoint string
	orders   *io.PipeWriter
	answers  *bufio.Scanner
	ended    chan error
}

func start(t *testing.T, o options) *simulator {
	t.Helper()
	orders, out := io.Pipe()
	in, answers := io.Pipe()
	s := &simulator{orders: out, answers: bufio.NewScanner(in), ended: make(chan error, 1)}
	go func() {
		err := run(o, orders, answers)
		_ = answers.Close()
		s.ended <- err
	}()
	if !s.answers.Scan() {
		t.Fatal(<-s.ended)
	}
	s.endpoint = s.answers.Text()
	return s
}

// stats gives the order and returns the counts in the answer.
func (s *simulator) stats(t *testing.T, order string) (stats igsendtest.Stats) {
	t.Helper()
	_, _ = fmt.Fprintln(s.orders, order)
	if !s.answers.Scan() {
		t.Fatalf("no answer to %s", order)
	}
	if err := json.Unmarshal(s.answers.Bytes(), &stats); err != nil {
		t.Fatal(err)
	}
	return stats
}

func (s *simulator) stop(t *testing.T) {
	t.Helper()
	_ = s.orders.Close()
	if err := <-s.ended; err != nil {
		t.Error(err)
	}
}

func TestOrders(t *testing.T) {
	s := start(t, options{clients: 1})
	defer http.DefaultClient.CloseIdleConnections()
	// ask returns the HTTP status and the balance.
	ask := func(id igsend.ClientID, keys igsend.Keys) string {
		r, _ := http.NewRequest(http.MethodGet, s.endpoint+"?ClientID="+id.String(), nil)
		r.SetBasicAuth(keys.Public, keys.Private)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return fmt.Sprint(resp.StatusCode, regexp.MustCompile(`"AccountBalance": "[0-9.]+"`).FindAllString(string(body), -1))
	}
	next := igsend.Keys{Public: "a", Private: "b"}
	var got []string
	got = append(got, ask(100045, keys))
	s.stats(t, `{"Balances": {"100046": {"EUR": "7.50"}}}`)
	got = append(got, ask(100046, keys))
	s.stats(t, `{"Status": 503}`)
	got = append(got, ask(100046, keys))
	s.stats(t, `{"Status": 0, "Keys": ["a", "b"]}`)
	got = append(got, ask(100046, keys), ask(100046, next))
	if diff := cmp.Diff([]string{
		`200 ["AccountBalance": "1400000"]`, `200 ["AccountBalance": "7.50"]`, `503 []`, `200 []`, `200 ["AccountBalance": "7.50"]`,
	}, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(igsendtest.Stats{Requests: 5, Connections: 1, MaxOpenConnections: 1}, s.stats(t, `{}`)); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	s.stop(t)
}

func TestAnOrderThatIsNoneEndsIt(t *testing.T) {
	for _, order := range []string{`{"Balance": {}}`, `stats`} {
		s := start(t, options{})
		_, _ = fmt.Fprintln(s.orders, order)
		if err := <-s.ended; err == nil {
			t.Errorf("%s was carried out", order)
		}
	}
}

func TestConfiguration(t *testing.T) {
	for scheme, certificates := range map[string]int{"http": 0, "https": 1} {
		t.Run(scheme, func(t *testing.T) {
			dir := t.TempDir()
			s := start(t, options{tls: scheme == "https", clients: 2, dir: dir})
			defer s.stop(t)
			read := func(name string) string {
				content, _ := os.ReadFile(filepath.Join(dir, name))
				return string(content)
			}
			want := `api:
  endpoint: ` + s.endpoint + `
  public_key_file: public.key
  private_key_file: private.key
clients:
- id: 100045
  name: Payroll 1
- id: 100046
  name: Payroll 2
`
			if diff := cmp.Diff(want, read("igsend.yml")); diff != "" || !strings.HasPrefix(s.endpoint, scheme+"://127.0.0.1:") {
				t.Errorf("endpoint %s, igsend.yml (-want +got):\n%s", s.endpoint, diff)
			}
			if got := (igsend.Keys{Public: read("public.key"), Private: read("private.key")}); got != (igsend.Keys{Public: keys.Public + "\n", Private: keys.Private + "\n"}) {
				t.Error("the keys are not those of the API")
			}
			if got := strings.Count(read("ca.pem"), "BEGIN CERTIFICATE"); got != certificates {
				t.Errorf("%d certificates, want %d", got, certificates)
			}
		})
	}
}
