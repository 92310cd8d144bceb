package main

import (
	"bufio"
	"fmt"
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
	// scrapesInARow make the peak.
	scrapesInARow = 6
	// maxBytesPerClient is the most memory at the peak for each client, above that of an
	// exporter with one client.
	maxBytesPerClient = 4096
)

// BenchmarkSizing tells what the table in README.md shows: the peak memory of an exporter,
// from its start through six scrapes in a row, and the CPU time of a scrape, both as the
// operating system sees them; and the series. The simulated API runs in another process.
func BenchmarkSizing(b *testing.B) {
	bin := b.TempDir()
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", bin, ".") // as a release
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, output)
	}
	b.Setenv("PATH", bin+":"+os.Getenv("PATH")) // in place of the test binary
	var one int64
	for _, clients := range []int{1, 10, 100, 1000, 10_000, 100_000} {
		b.Run(strconv.Itoa(clients), func(b *testing.B) {
			var peak int64
			var cpu time.Duration
			var series int
			for b.Loop() {
				p, url := startExporter(b, clients)
				before := cpuTime(b, p)
				for range scrapesInARow {
					series = scrape(b, url+"/metrics", clients)
				}
				cpu += cpuTime(b, p) - before
				peak = max(peak, peakMemory(b, p))
				p.signal(os.Interrupt)
				p.exit()
			}
			b.ReportMetric(float64(peak)/1e6, "MB")
			b.ReportMetric(float64(cpu.Milliseconds())/float64(b.N)/scrapesInARow, "cpu-ms/scrape")
			b.ReportMetric(float64(series), "series")
			if clients == 1 {
				one = peak
				return
			}
			perClient := float64(peak-one) / float64(clients)
			b.ReportMetric(perClient, "B/client")
			if clients >= 1000 && perClient > maxBytesPerClient {
				b.Errorf("%.0f bytes for each client, want at most %d", perClient, maxBytesPerClient)
			}
		})
	}
}

// startExporter starts an exporter and the API that it asks.
func startExporter(b *testing.B, clients int) (p *process, url string) {
	b.Helper()
	dir := startSimulator(b, clients)
	return start(b, []string{"SSL_CERT_FILE=" + filepath.Join(dir, "ca.pem")}, "--config.file="+filepath.Join(dir, "igsend.yml"))
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

// scrape scrapes once, as Prometheus does, and returns the number of series. Each client must
// have a balance.
func scrape(b *testing.B, url string, clients int) (series int) {
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
	balances := 0
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if !strings.HasPrefix(lines.Text(), "#") {
			series++
		}
		if strings.HasPrefix(lines.Text(), "igsend_client_balance{") {
			balances++
		}
	}
	if balances != clients || lines.Err() != nil {
		b.Fatalf("a scrape has %d balances, want %d: %v", balances, clients, lines.Err())
	}
	return series
}

// peakMemory returns the largest resident set of a process, in bytes.
func peakMemory(b *testing.B, p *process) int64 {
	b.Helper()
	_, rest, _ := strings.Cut(proc(b, p, "status"), "\nVmHWM:")
	var kilobytes int64
	if _, err := fmt.Sscan(rest, &kilobytes); err != nil {
		b.Fatal(err)
	}
	return kilobytes << 10
}

// cpuTime returns the CPU time that a process has used.
func cpuTime(b *testing.B, p *process) time.Duration {
	b.Helper()
	_, rest, _ := strings.Cut(proc(b, p, "stat"), ") ") // after the name of the program
	fields := strings.Fields(rest)
	var ticks time.Duration
	for _, field := range fields[11:13] { // utime and stime
		n, err := strconv.Atoi(field)
		if err != nil {
			b.Fatal(err)
		}
		ticks += time.Duration(n)
	}
	return ticks * 10 * time.Millisecond
}

// proc returns a file of a process from /proc.
func proc(b *testing.B, p *process, name string) string {
	b.Helper()
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.cmd.Process.Pid, name))
	if err != nil {
		b.Fatal(err)
	}
	return string(content)
}
