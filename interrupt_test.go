//go:build unix

package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

// makePipe makes a named pipe.
func makePipe(t *testing.T, path string) {
	t.Helper()
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
}

// awaitReader returns when the program reads the pipe. It writes nothing.
func awaitReader(t *testing.T, path string) {
	t.Helper()
	pipe, err := os.OpenFile(path, os.O_WRONLY, 0) // waits for a reader
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pipe.Close() })
}

// Every command can be stopped while it reads a pipe that nobody writes to.
func TestStopWhileReadingAPipe(t *testing.T) {
	for name, test := range map[string]struct {
		args   []string
		status int
		want   string
	}{
		"serve":   {nil, 0, ""},
		"check":   {[]string{"check"}, 1, "igsend_exporter: error: interrupted while reading the configuration\n"},
		"balance": {[]string{"balance"}, 1, "igsend_exporter: error: interrupted while reading the configuration\n"},
	} {
		for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
			t.Run(fmt.Sprintf("%s, %s", name, signal), func(t *testing.T) {
				file := filepath.Join(t.TempDir(), "igsend.yml")
				makePipe(t, file)
				p := launch(t, nil, append(test.args, "--config.file="+file)...)
				awaitReader(t, file)
				p.signal(signal)
				if status := p.exit(); status != test.status || p.text() != test.want {
					t.Errorf("exit status %d, want %d with %q:\n%s", status, test.status, test.want, p.text())
				}
			})
		}
	}
}

func TestStopWhileAReloadReadsAPipe(t *testing.T) {
	for name, reload := range map[string]func(t *testing.T, p *process, url string){
		"SIGHUP": func(_ *testing.T, p *process, _ string) { p.signal(syscall.SIGHUP) },
		"POST": func(t *testing.T, _ *process, url string) {
			t.Helper()
			done := make(chan struct{})
			go func() {
				defer close(done) // even when request ends the goroutine
				if status, _, _ := request(t, httpClient, http.MethodPost, url+"/-/reload"); status != http.StatusInternalServerError {
					t.Errorf("HTTP status %d, want 500", status)
				}
			}()
			t.Cleanup(func() { <-done })
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			p, url := start(t, nil, "--config.file="+s.configFile)
			if err := os.Remove(s.configFile); err != nil {
				t.Fatal(err)
			}
			makePipe(t, s.configFile)
			reload(t, p, url)
			awaitReader(t, s.configFile)
			p.signal(syscall.SIGTERM)
			if status := p.exit(); status != 0 {
				t.Errorf("exit status %d, want 0:\n%s", status, p.text())
			}
		})
	}
}

// The web configuration is read by exporter-toolkit.
func TestStopWhileTheWebConfigurationIsAPipe(t *testing.T) {
	s := newSite(t)
	web := filepath.Join(s.dir, "web.yml")
	makePipe(t, web)
	p := launch(t, nil, "--config.file="+s.configFile, "--web.config.file="+web, "--web.listen-address=127.0.0.1:0")
	awaitReader(t, web)
	p.signal(syscall.SIGTERM)
	if status := p.exit(); status != 0 {
		t.Errorf("exit status %d, want 0:\n%s", status, p.text())
	}
}

// Nothing interrupts a write to a pipe that nobody reads, so the process just exits.
func TestStopWhileWriting(t *testing.T) {
	t.Parallel() // takes seconds, as another test does
	s := newSite(t)
	args := []string{"balance", "--output=json", "--config.file=" + s.configFile}
	for id := range 1000 { // more than a pipe holds
		args = append(args, fmt.Sprint(id+1))
	}
	cmd := program(t.Context(), nil, args...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := stdout.Read(make([]byte, 1)); err != nil { // it writes
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	_ = cmd.Wait() // the test checks the exit status
	if got := cmd.ProcessState.ExitCode(); got != 1 {
		t.Errorf("exit status %d, want 1", got)
	}
}

func TestInterruptedBalance(t *testing.T) {
	s := newSite(t)
	s.configure("  concurrency: 1\n  request_timeout: 1m\n", "- id: 1\n")
	asked := make(chan struct{})
	var requests atomic.Int64
	s.SetFault(func(w http.ResponseWriter, r *http.Request, _ []byte) {
		if requests.Add(1) == 4 {
			close(asked)
			igsendtest.Hang(w, r, nil)
			return
		}
		igsendtest.Status(http.StatusNotFound)(w, r, nil)
	})
	p := launch(t, nil, append([]string{"balance", "--config.file=" + s.configFile}, strings.Fields("1 2 3 4 5 6 7 8 9 10 11 12")...)...)
	<-asked
	p.signal(os.Interrupt)
	if status := p.exit(); status != 1 {
		t.Errorf("exit status %d, want 1", status)
	}
	for text, want := range map[string]int{
		"igsend_exporter: error: interrupted: 3 of 12 clients had answered\n": 1,
		": canceled: interrupted\n":   9,
		": http (HTTP status 404)\n":  3,
		"the scrape's time ran out\n": 0,
	} {
		if got := strings.Count(p.text(), text); got != want {
			t.Errorf("%q is there %d times, want %d:\n%s", text, got, want, p.text())
		}
	}
}
