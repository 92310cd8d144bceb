package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	// memoryScrapes is how many scrapes in a row make the peak.
	memoryScrapes = 6
	// maxBytesPerClient is the most memory at the peak for each client, above that of an
	// exporter with one client.
	maxBytesPerClient = 4096
)

// BenchmarkMemory tells the peak memory of an exporter, from its start through six scrapes
// in a row, as the operating system sees it. The simulated API runs in another process.
func BenchmarkMemory(b *testing.B) {
	bin := b.TempDir()
	if output, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, output)
	}
	b.Setenv("PATH", bin+":"+os.Getenv("PATH")) // in place of the test binary
	var one int64
	for _, clients := range []int{1, 1000, 10_000, 100_000} {
		b.Run(strconv.Itoa(clients), func(b *testing.B) {
			var peak int64
			for b.Loop() {
				peak = max(peak, peakMemory(b, clients))
			}
			b.ReportMetric(float64(peak)/1e6, "MB")
			if clients == 1 {
				one = peak
				return
			}
			perClient := float64(peak-one) / float64(clients)
			b.ReportMetric(perClient, "B/client")
			if perClient > maxBytesPerClient {
				b.Errorf("%.0f bytes for each client, want at most %d", perClient, maxBytesPerClient)
			}
		})
	}
}

// peakMemory returns the most memory that a new exporter has had after its scrapes.
func peakMemory(b *testing.B, clients int) int64 {
	b.Helper()
	dir := startSimulator(b, clients)
	p, url := start(b, []string{"SSL_CERT_FILE=" + filepath.Join(dir, "ca.pem")}, "--config.file="+filepath.Join(dir, "igsend.yml"))
	defer p.exit()
	defer p.signal(os.Interrupt)
	for range memoryScrapes {
		if balances := scrape(b, url+"/metrics"); balances != clients {
			b.Fatalf("a scrape has %d balances, want %d:\n%s", balances, clients, p.text())
		}
	}
	return residentPeak(b, p.cmd.Process.Pid)
}

// startSimulator runs test/simulator and returns the directory of its files.
func startSimulator(b *testing.B, clients int) string {
	b.Helper()
	dir := b.TempDir()
	cmd := exec.Command("go", "run", "./test/simulator", "-tls", "-clients", strconv.Itoa(clients), "-dir", dir)
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
	if _, err := fmt.Fscanln(output, new(string)); err != nil { // its endpoint, when all files are there
		b.Fatal(err)
	}
	return dir
}

// scrape scrapes once, as Prometheus does, and returns the number of balances.
func scrape(b *testing.B, url string) (balances int) {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url, nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "3600")
	client := &http.Client{Timeout: time.Hour, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	for {
		line, err := lines.ReadString('\n')
		if strings.HasPrefix(line, "igsend_client_balance{") {
			balances++
		}
		if err == io.EOF {
			return balances
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// residentPeak returns the largest resident set of a process, in bytes.
func residentPeak(b *testing.B, pid int) int64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "\nVmHWM:")
	line, _, _ := strings.Cut(rest, "\n")
	kilobytes, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(line, "kB")), 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return kilobytes << 10
}
