package dashboards

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var dashboardURL = regexp.MustCompile(`/d/([a-z-]+)(?:\?([^"'\s]*))?`)

func TestLinks(t *testing.T) {
	dashboards := load(t)
	for _, d := range dashboards {
		t.Run(d.UID, func(t *testing.T) {
			if m := regexp.MustCompile(`[a-z]+://[^"]*`).FindString(d.raw); m != "" {
				t.Errorf("%s is not reachable from every network", m)
			}
			others := map[string]bool{}
			for _, l := range d.Links {
				if m := dashboardURL.FindStringSubmatch(l.URL); m == nil || !l.KeepTime || l.TargetBlank {
					t.Errorf("link %q to %s does not keep the time range", l.Title, l.URL)
				} else {
					others[m[1]] = true
				}
			}
			for uid := range dashboards {
				if uid != d.UID && !others[uid] {
					t.Errorf("no link to %s", uid)
				}
			}
			for _, err := range badLinks(dashboards, d.raw) {
				t.Error(err)
			}
		})
	}
}

// TestAlertLinks checks that the links in alerts lead to a dashboard and set variables that it has.
func TestAlertLinks(t *testing.T) {
	rules, err := os.ReadFile(filepath.Join("..", "deploy", "prometheus", "rules", "igsend.rules.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(rules), "/d/igsend-balances?var-client_id=") {
		t.Error("no alert links to the balances of its client")
	}
	for _, err := range badLinks(load(t), strings.ReplaceAll(string(rules), " ", "")) {
		t.Error(err)
	}
}

// badLinks returns an error for each wrong link to a dashboard in a text.
func badLinks(dashboards map[string]dashboard, text string) []error {
	var errs []error
	for _, m := range dashboardURL.FindAllStringSubmatch(text, -1) {
		d, ok := dashboards[m[1]]
		if !ok {
			errs = append(errs, fmt.Errorf("%s: no such dashboard", m[0]))
			continue
		}
		for _, parameter := range strings.Split(m[2], "&") {
			name, _, _ := strings.Cut(parameter, "=")
			name, ok := strings.CutPrefix(name, "var-")
			if ok && !slices.ContainsFunc(d.Templating.List, func(v variable) bool { return v.Name == name }) {
				errs = append(errs, fmt.Errorf("%s: no variable %s", m[0], name))
			}
		}
	}
	return errs
}
