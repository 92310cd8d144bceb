// Package rules tests the rules of deploy/prometheus. The YAML files are for promtool; the Go tests check what rule tests can't.
package rules

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

type rule struct {
	Record      string
	Alert       string
	Expr        string
	Labels      map[string]string
	Annotations map[string]string
}

func rules(t *testing.T) []rule {
	t.Helper()
	var file struct {
		Groups []struct {
			Rules []rule
		}
	}
	decode(t, "../../deploy/prometheus/rules/igsend.rules.yml", &file)
	var all []rule
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

func alerts(t *testing.T) []rule {
	t.Helper()
	var alerts []rule
	for _, r := range rules(t) {
		if r.Alert != "" {
			alerts = append(alerts, r)
		}
	}
	if len(alerts) == 0 {
		t.Fatal("no alerts")
	}
	return alerts
}

func decode(t *testing.T, name string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(read(t, name)), into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEveryAlertSaysWhatAPersonNeeds(t *testing.T) {
	for _, a := range alerts(t) {
		t.Run(a.Alert, func(t *testing.T) {
			if !strings.HasPrefix(a.Alert, "IGSend") {
				t.Error("the name does not begin with IGSend")
			}
			if got := a.Labels["component"]; got != "igsend" {
				t.Errorf("component %q", got)
			}
			for _, name := range []string{"summary", "description", "runbook_url", "dashboard_url"} {
				if a.Annotations[name] == "" {
					t.Errorf("no %s", name)
				}
			}
			// It is the title of a group of alerts, and a chat shows it again and again, so it must not have a number that changes.
			if summary := a.Annotations["summary"]; !strings.HasSuffix(summary, ".") || strings.Contains(summary, "$value") || strings.Contains(summary, "query") {
				t.Errorf("the summary changes, or does not end with a period: %s", summary)
			}
			if text := a.Annotations["summary"] + a.Annotations["description"]; strings.Contains(text, "define") || strings.Contains(text, "reReplaceAll") {
				t.Error("the text is formatted in place")
			}
			if strings.Contains(a.Annotations["summary"], "$labels.client_id") != strings.Contains(a.Expr, "group_left (name, team)") {
				t.Error("an alert about a client has its name and team as labels, and no other has")
			}
			for name, value := range a.Labels {
				if strings.Contains(value, "{{") {
					t.Errorf("label %s is a template: each new value would be a new alert", name)
				}
			}
			if !strings.Contains(a.Annotations["description"], "nobody") && !strings.Contains(a.Annotations["description"], "fail until") {
				t.Error("the description does not say what happens if nobody acts")
			}
		})
	}
}

func TestEveryAlertHasAUnitTestThatFiresItAndOneThatDoesNot(t *testing.T) {
	files, err := filepath.Glob("*.test.yml")
	if err != nil {
		t.Fatal(err)
	}
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, name := range files {
		var file struct {
			Tests []struct {
				Name           string
				AlertRuleTests []struct {
					Alertname string
					ExpAlerts []struct {
						Annotations map[string]string `yaml:"exp_annotations"`
					} `yaml:"exp_alerts"`
				} `yaml:"alert_rule_test"`
			}
		}
		decode(t, name, &file)
		for _, test := range file.Tests {
			for _, expected := range test.AlertRuleTests {
				if len(expected.ExpAlerts) == 0 {
					silent[expected.Alertname] = true
				}
				for _, alert := range expected.ExpAlerts {
					fires[expected.Alertname] = true
					if len(alert.Annotations) != 4 {
						t.Errorf("%s: %s: %s is expected without its annotations", name, test.Name, expected.Alertname)
					}
				}
			}
		}
	}
	for _, a := range alerts(t) {
		if !fires[a.Alert] {
			t.Errorf("no test in which %s fires", a.Alert)
		}
		if !silent[a.Alert] && a.Alert != "IGSendWatchdog" {
			t.Errorf("no test in which %s is silent", a.Alert)
		}
	}
}

// An exclusion whose rule is gone would excuse a later rule of the same name.
func TestLintExclusionsNameARuleAndAReason(t *testing.T) {
	var lint struct {
		Exclusions map[string]struct {
			Reason  string
			Entries []struct{ Alert, Record string }
		}
	}
	decode(t, "../../deploy/prometheus/rules/.lint", &lint)
	names := map[string]bool{}
	for _, r := range rules(t) {
		names[r.Record+r.Alert] = true
	}
	for check, exclusion := range lint.Exclusions {
		if exclusion.Reason == "" || len(exclusion.Entries) == 0 {
			t.Errorf("%s: no reason, or no entries", check)
		}
		for _, e := range exclusion.Entries {
			if !names[e.Alert+e.Record] {
				t.Errorf("%s: there is no rule %s%s", check, e.Alert, e.Record)
			}
		}
	}
}

func TestEveryDashboardLinkExists(t *testing.T) {
	link := regexp.MustCompile(`^http://localhost:3000/d/([a-z-]+)(\?|$)`)
	variable := regexp.MustCompile(`var-(\w+)=`)
	for _, a := range alerts(t) {
		m := link.FindStringSubmatch(a.Annotations["dashboard_url"])
		if m == nil {
			t.Errorf("%s: dashboard_url %q", a.Alert, a.Annotations["dashboard_url"])
			continue
		}
		var dashboard struct {
			UID        string `yaml:"uid"`
			Templating struct {
				List []struct{ Name string }
			}
		}
		decode(t, "../../dashboards/"+m[1]+".json", &dashboard) // JSON is YAML
		if dashboard.UID != m[1] {
			t.Errorf("%s: dashboards/%s.json has the uid %q", a.Alert, m[1], dashboard.UID)
		}
		variables := map[string]bool{}
		for _, v := range dashboard.Templating.List {
			variables[v.Name] = true
		}
		for _, v := range variable.FindAllStringSubmatch(a.Annotations["dashboard_url"], -1) {
			if !variables[v[1]] {
				t.Errorf("%s: dashboards/%s.json has no variable %s", a.Alert, m[1], v[1])
			}
		}
	}
}

// If two rules had different lists, one client would become two.
func TestTheScrapedProcessIsForgottenTheSameWayEverywhere(t *testing.T) {
	const identity = "instance, pod, pod_template_hash, container, endpoint, node, host"
	without := regexp.MustCompile(`without \(([^)]*)\)`)
	raw := regexp.MustCompile(`(?:^|[^:\w])igsend_\w+`)
	for _, r := range rules(t) {
		name := r.Record + r.Alert
		for _, m := range without.FindAllStringSubmatch(r.Expr, -1) {
			if strings.Contains(m[1], "instance") && !strings.HasPrefix(m[1], identity) {
				t.Errorf("%s: without (%s)", name, m[1])
			}
		}
		if raw.MatchString(r.Expr) && !strings.Contains(r.Expr, "without ("+identity) && r.Record != "client:igsend_client_info:name" {
			t.Errorf("%s reads a scraped series and keeps the labels of the process", name)
		}
	}
}
