package main

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// readme returns README.md and the pages that it leaves details to.
func readme(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, name := range []string{"README.md", "docs/install.md", "docs/configuration.md"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

// README.md is to be read in one go. What only few need is in docs/.
func TestREADMEIsShort(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(text), "\n"); lines > 250 {
		t.Errorf("README.md has %d lines, want at most 250", lines)
	}
}

// table returns the rows of the table whose first heading is head.
func table(t *testing.T, head string) [][]string {
	t.Helper()
	_, rest, ok := strings.Cut(readme(t), "\n| "+head+" |")
	if !ok {
		t.Fatalf("the documentation has no table of each %s", head)
	}
	var rows [][]string
	for i, line := range strings.Split(rest, "\n") {
		switch {
		case i < 2: // the other headings, and the line below them
		case !strings.HasPrefix(line, "| "):
			return rows
		default:
			cells := strings.Split(strings.TrimSuffix(strings.TrimPrefix(line, "|"), "|"), "|")
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			rows = append(rows, cells)
		}
	}
	return rows
}

var code = regexp.MustCompile("`([^`]+)`")

// codes returns the texts in backquotes.
func codes(cell string) []string {
	var all []string
	for _, match := range code.FindAllStringSubmatch(cell, -1) {
		all = append(all, match[1])
	}
	return all
}

func compareSets(t *testing.T, documented, actual []string) {
	t.Helper()
	slices.Sort(documented)
	slices.Sort(actual)
	if diff := cmp.Diff(actual, documented); diff != "" {
		t.Errorf("README.md (-the program +README.md):\n%s", diff)
	}
}

func TestREADMEFlags(t *testing.T) {
	var documented []string
	for _, row := range table(t, "flag") {
		documented = append(documented, codes(row[0])...)
	}
	help, _, _ := execute(t, nil, "--help")
	var actual []string
	for _, match := range regexp.MustCompile(`(?m)^(?:  -h, |      )--(?:\[no-\])?([a-z.-]+)`).FindAllStringSubmatch(help, -1) {
		actual = append(actual, "--"+match[1])
	}
	compareSets(t, documented, actual)
}

// README.md documents the same defaults as --help.
func TestREADMEFlagDefaults(t *testing.T) {
	help, _, _ := execute(t, nil, "--help")
	for _, row := range table(t, "flag") {
		for _, value := range codes(row[1]) {
			flag := codes(row[0])[0]
			if !regexp.MustCompile(regexp.QuoteMeta(flag) + `="?` + regexp.QuoteMeta(value) + `\b`).MatchString(help) {
				t.Errorf("README.md says that the default of %[2]s is %[1]s, but --help does not", value, flag)
			}
		}
	}
}

func TestREADMEMetrics(t *testing.T) {
	documented := map[string]string{}
	for _, row := range table(t, "metric") {
		labels := strings.ReplaceAll(strings.ReplaceAll(row[2], "`", ""), "configured labels", "team")
		documented[codes(row[0])[0]] = row[1] + " " + labels
	}
	s := newEdgySite(t)
	_, url := start(t, nil, "--config.file="+s.configFile)
	exposition := get(t, url+"/metrics")
	kind := map[string]string{}
	for _, match := range regexp.MustCompile(`(?m)^# TYPE (igsend_\S+) (\S+)$`).FindAllStringSubmatch(exposition, -1) {
		kind[match[1]] = match[2]
	}
	actual := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(kind)) {
		labels := map[string]bool{}
		for _, line := range samples(exposition, name) {
			for _, match := range regexp.MustCompile(`([a-z_]+)="`).FindAllStringSubmatch(line, -1) {
				labels[match[1]] = true
			}
		}
		actual[name] = kind[name] + " " + strings.Join(slices.Sorted(maps.Keys(labels)), ", ")
	}
	if diff := cmp.Diff(actual, documented); diff != "" {
		t.Errorf("README.md (-the program +README.md):\n%s", diff)
	}
}

func TestREADMEReasons(t *testing.T) {
	var documented, actual []string
	for _, row := range table(t, "reason") {
		documented = append(documented, codes(row[0])...)
	}
	for _, reason := range igsend.Reasons() {
		actual = append(actual, string(reason))
	}
	compareSets(t, documented, actual)
}

// The program lists its fields in the error about an unknown one.
func TestREADMEFields(t *testing.T) {
	var documented []string
	for _, row := range table(t, "field") {
		documented = append(documented, codes(row[0])...)
	}
	_, err := config.Parse([]byte("zzzzzzzzzz: 1\napi: {zzzzzzzzzz: 1}\nclients: [{zzzzzzzzzz: 1}]\n"), "")
	var actual []string
	for _, match := range regexp.MustCompile(`(\S*)zzzzzzzzzz: unknown field: the fields here are (.*)`).FindAllStringSubmatch(fmt.Sprint(err), -1) {
		for field := range strings.SplitSeq(match[2], ", ") {
			if path := strings.ReplaceAll(match[1], "[0]", "[]") + field; path != "api" && path != "clients" {
				actual = append(actual, path)
			}
		}
	}
	compareSets(t, documented, actual)
}

func TestREADMEConfiguration(t *testing.T) {
	_, rest, _ := strings.Cut(readme(t), "```yaml\napi:")
	text, _, _ := strings.Cut(rest, "```")
	cfg, err := config.Parse([]byte("api:"+text), "")
	if err != nil {
		t.Fatal(err)
	}
	defaults := map[string]string{
		"api.environment":          cfg.API.Environment,
		"api.concurrency":          fmt.Sprint(cfg.API.Concurrency),
		"api.request_timeout":      cfg.API.RequestTimeout.String(),
		"api.max_attempts":         fmt.Sprint(cfg.API.MaxAttempts),
		"api.min_refresh_interval": cfg.API.MinRefreshInterval.String(),
		"api.requests_per_second":  fmt.Sprint(cfg.API.RequestsPerSecond),
		"api.balance_unit":         string(cfg.API.BalanceUnit),
	}
	documented := map[string]string{}
	for _, row := range table(t, "field") {
		if values := codes(row[1]); len(values) == 1 {
			documented[codes(row[0])[0]] = values[0]
		}
	}
	if diff := cmp.Diff(defaults, documented); diff != "" {
		t.Errorf("defaults in README.md (-the program +README.md):\n%s", diff)
	}
}

// README.md shows only metrics that the exporter has.
func TestREADMEShowsRealMetrics(t *testing.T) {
	documented := map[string]bool{}
	for _, row := range table(t, "metric") {
		documented[codes(row[0])[0]] = true
	}
	for _, match := range regexp.MustCompile(`(?m)^    (igsend_\w+)\{`).FindAllStringSubmatch(readme(t), -1) {
		if !documented[match[1]] {
			t.Errorf("README.md shows %s, which is not a metric", match[1])
		}
	}
}

// README.md names every command.
func TestREADMENamesCommands(t *testing.T) {
	help, _, _ := execute(t, nil, "--help")
	_, commands, _ := strings.Cut(help, "\nCommands:\n")
	names := regexp.MustCompile(`(?m)^([a-z]+)`).FindAllStringSubmatch(commands, -1)
	if len(names) < 7 {
		t.Fatalf("--help lists %d commands", len(names))
	}
	for _, name := range names {
		if name[1] == "help" || name[1] == "serve" { // --help, and the default
			continue
		}
		if !regexp.MustCompile("(igsend_exporter|go run [.]) " + name[1] + `\b`).MatchString(readme(t)) {
			t.Errorf("README.md does not name the command %s", name[1])
		}
	}
}
