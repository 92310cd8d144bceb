// Package browser tests the landing page in a real, headless Chromium.
//
//	go test ./...
//
// With SCREENSHOTS=DIR in the environment, it leaves its pictures there.
package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
)

// exporter starts the program with arguments, waits until it has answered one scrape, and
// returns its address.
func exporter(t *testing.T, program string, args ...string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	command := exec.CommandContext(t.Context(), program, append(args, "--web.listen-address="+address)...)
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	var output strings.Builder
	command.Stdout, command.Stderr = &output, &output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := command.Wait(); err != nil || t.Failed() {
			t.Log(err, output.String())
		}
	})
	deadline := time.Now().Add(30 * time.Second)
	for {
		response, err := http.Get("http://" + address + "/metrics")
		if err == nil {
			response.Body.Close()
			return "http://" + address + "/"
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "igsend_exporter")
	if output, err := exec.Command("go", "build", "-C", "../..", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	return program
}

// hostileConfig has n clients that do not answer, with names that try to be more than text.
func hostileConfig(t *testing.T, n int) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("api: {endpoint: 'http://127.0.0.1:1/', public_key: public, private_key: private, max_attempts: 1}\nclients:\n")
	for i := range n {
		fmt.Fprintf(&b, "- {id: %d, name: '<script>alert(%d)</script>\"><img src=x onerror=alert(1)>%s'}\n", i+1, i, strings.Repeat("long", 20))
	}
	file := filepath.Join(t.TempDir(), "igsend.yml")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestLandingPage(t *testing.T) {
	program := build(t)
	demo := exporter(t, program, "demo")
	hostile := exporter(t, program, "--log.level=error", "--config.file="+hostileConfig(t, 2000))
	allocator, stop := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))...)
	defer stop()
	browser, stop := chromedp.NewContext(allocator)
	defer stop()
	do(t, browser, chromedp.Navigate("about:blank"))
	for _, site := range []struct {
		name, url string
		rows      int
		names     []string // some accessible names of the table's cells
	}{
		{"demo", demo, 9, []string{"100045", "Payroll", "250,000.00", "IN_CREDIT", "Balance", "Attention"}},
		{"hostile", hostile, 200, []string{`<script>alert(0)</script>"><img src=x onerror=alert(1)>` + strings.Repeat("long", 20), "never"}},
	} {
		for _, width := range []int64{400, 1280} {
			for _, scheme := range []string{"light", "dark"} {
				t.Run(fmt.Sprint(site.name, " ", width, " ", scheme), func(t *testing.T) {
					visit(t, browser, site.name, site.url, width, scheme, site.rows, site.names)
				})
			}
		}
	}
}

// visit opens the page in a tab of its own and checks what the browser makes of it.
func visit(t *testing.T, browser context.Context, name, url string, width int64, scheme string, rows int, names []string) {
	t.Helper()
	tab, closeTab := chromedp.NewContext(browser)
	defer closeTab()
	tab, cancel := context.WithTimeout(tab, time.Minute)
	defer cancel()
	seen := &events{}
	if err := chromedp.Listen(tab, seen.add); err != nil {
		t.Fatal(err)
	}
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	call(t, tab, log.Enable, cdp.Empty{})
	call(t, tab, emulation.SetEmulatedMedia, media)
	do(t, tab, chromedp.EmulateViewport(width, 900))
	do(t, tab, chromedp.Navigate(url))
	scrollWidth := do(t, tab, chromedp.Evaluate[int64](`document.scrollingElement.scrollWidth`))
	bodyRows := do(t, tab, chromedp.Evaluate[int](`document.querySelectorAll("tbody tr").length`))
	tree := call(t, tab, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{}).Nodes
	picture := do(t, tab, chromedp.CaptureScreenshot())
	if dir := os.Getenv("SCREENSHOTS"); dir != "" {
		file := filepath.Join(dir, fmt.Sprintf("%s-%d-%s.png", name, width, scheme))
		if err := os.WriteFile(file, picture, 0o600); err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff([]string{"request " + url}, seen.all()); diff != "" {
		t.Errorf("requests, messages and dialogs (-want +got):\n%s", diff)
	}
	if scrollWidth > width {
		t.Errorf("the page is %d pixels wide, in a window of %d", scrollWidth, width)
	}
	if bodyRows != rows {
		t.Errorf("%d rows, want %d", bodyRows, rows)
	}
	roles, spoken := map[string]int{}, map[string]bool{}
	for _, node := range tree {
		if !node.Ignored && node.Role != nil {
			roles[unquote(node.Role.Value)]++
		}
		if node.Name != nil {
			spoken[unquote(node.Name.Value)] = true
		}
	}
	for role, n := range map[string]int{"table": 1, "columnheader": 7, "rowheader": rows, "main": 1, "navigation": 1, "heading": 1} {
		if roles[role] != n {
			t.Errorf("a screen reader finds %d of %s, want %d: %v", roles[role], role, n, roles)
		}
	}
	for _, name := range append(names, "Accounts, those that need attention first") {
		if !spoken[name] {
			t.Errorf("a screen reader does not find %q", name)
		}
	}
}

func do[T any](t *testing.T, tab context.Context, action chromedp.Action[T]) T {
	t.Helper()
	result, err := chromedp.Run(tab, action)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func call[P, R any](t *testing.T, tab context.Context, command cdp.Command[P, R], parameters P) R {
	t.Helper()
	result, err := chromedp.Call(tab, command, parameters)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// events are what a page must not cause, apart from the one request for itself.
type events struct {
	mu   sync.Mutex
	list []string
}

func (e *events) add(event any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch event := event.(type) {
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(event.Request.URL, "data:") {
			e.list = append(e.list, "request "+event.Request.URL)
		}
	case *log.EventEntryAdded:
		e.list = append(e.list, "log "+event.Entry.Text)
	case *runtime.EventExceptionThrown:
		e.list = append(e.list, "exception "+event.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		e.list = append(e.list, "console")
	case *page.EventJavascriptDialogOpening:
		e.list = append(e.list, "dialog "+event.Message)
	}
}

func (e *events) all() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.list)
}

// unquote returns the text in a JSON value.
func unquote(value []byte) (text string) {
	_ = json.Unmarshal(value, &text) // a name that is no text is not what is looked for
	return text
}
