package rules

import (
	"regexp"
	"strings"
	"testing"
)

const (
	runbooks = "https://github.com/igsend-exporter/igsend_exporter/blob/main/deploy/runbooks.md#"
	grafana  = "http://localhost:3000"
)

func TestEveryAlertHasItsRunbook(t *testing.T) {
	sections := map[string]string{}
	for _, section := range strings.Split(read(t, "../../deploy/runbooks.md"), "\n## ")[1:] {
		if title, body, _ := strings.Cut(section, "\n"); strings.HasPrefix(title, "IGSend") {
			sections[strings.ToLower(title)] = body
		}
	}
	// What a person needs first, in this order. Then come the steps.
	parts := regexp.MustCompile(`^
- \*\*Who is affected:\*\* [^*]+
- \*\*By when:\*\* [^*]+
- \*\*Whom to call: …\*\* \([^*]+\)
- \*\*Why it fires:\*\* [^*]+

(?s:[^\n]*\n\n)?1\. `)
	for _, a := range alerts(t) {
		anchor, ok := strings.CutPrefix(a.Annotations["runbook_url"], runbooks)
		if !ok {
			t.Errorf("%s: runbook_url %q", a.Alert, a.Annotations["runbook_url"])
		}
		if anchor != strings.ToLower(a.Alert) {
			t.Errorf("%s: runbook_url has the anchor #%s", a.Alert, anchor)
		}
		body, ok := sections[anchor]
		if !ok {
			t.Errorf("%s: no section #%s in runbooks.md", a.Alert, anchor)
		} else if !parts.MatchString(body) {
			t.Errorf("%s: its runbook does not begin with who, by when, whom to call and why:\n%s", a.Alert, body)
		}
		delete(sections, anchor)
	}
	for anchor := range sections {
		t.Errorf("runbooks.md has a section #%s, but there is no such alert", anchor)
	}
}

// Links within the page lead to a heading, and links to dashboards to one that has what the
// runbook promises.
func TestRunbookLinksExist(t *testing.T) {
	text := read(t, "../../deploy/runbooks.md")
	headings := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		headings[regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(m[1]), "")] = true
	}
	for _, m := range regexp.MustCompile(`\]\(#([^)]+)\)`).FindAllStringSubmatch(text, -1) {
		if !headings[strings.ReplaceAll(m[1], "-", " ")] {
			t.Errorf("runbooks.md has no section #%s", m[1])
		}
	}
	links := regexp.MustCompile(`\]\(`+grafana+`(/d/[^)]+)\)(?:, panel \*([^*]+)\*)?`).FindAllStringSubmatch(text, -1)
	if len(links) == 0 {
		t.Error("runbooks.md has no link to a dashboard")
	}
	for _, m := range links {
		checkDashboardLink(t, "runbooks.md", m[1], strings.Join(strings.Fields(m[2]), " "))
	}
}

// checkDashboardLink checks that the dashboard exists and has the variables in the link and a
// panel whose title begins with panel.
func checkDashboardLink(t *testing.T, name, link, panel string) {
	t.Helper()
	m := regexp.MustCompile(`^/d/([a-z-]+)(\?|$)`).FindStringSubmatch(link)
	if m == nil {
		t.Errorf("%s: link to a dashboard %q", name, link)
		return
	}
	var dashboard struct {
		UID    string `yaml:"uid"`
		Panels []struct {
			Title  string
			Panels []struct{ Title string } // of a row that is folded
		}
		Templating struct {
			List []struct{ Name string }
		}
	}
	decode(t, "../../dashboards/"+m[1]+".json", &dashboard) // JSON is YAML
	if dashboard.UID != m[1] {
		t.Errorf("%s: dashboards/%s.json has the uid %q", name, m[1], dashboard.UID)
	}
	variables := map[string]bool{}
	for _, v := range dashboard.Templating.List {
		variables[v.Name] = true
	}
	for _, v := range regexp.MustCompile(`var-(\w+)=`).FindAllStringSubmatch(link, -1) {
		if !variables[v[1]] {
			t.Errorf("%s: dashboards/%s.json has no variable %s", name, m[1], v[1])
		}
	}
	found := false
	for _, p := range dashboard.Panels {
		found = found || strings.HasPrefix(p.Title, panel)
		for _, folded := range p.Panels {
			found = found || strings.HasPrefix(folded.Title, panel)
		}
	}
	if !found {
		t.Errorf("%s: dashboards/%s.json has no panel %q", name, m[1], panel)
	}
}
