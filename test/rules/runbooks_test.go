package rules

import (
	"regexp"
	"strings"
	"testing"
)

const runbooks = "https://github.com/igsend-exporter/igsend_exporter/blob/main/deploy/runbooks.md#"

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

// Links within the page lead to a heading. The dashboards have the variables in the links, and
// the panels in the text.
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
	variables, panels := map[string]bool{}, ""
	for _, uid := range []string{"igsend-balances", "igsend-exporter"} {
		var dashboard struct {
			UID    string `yaml:"uid"`
			Panels []struct {
				Title  string
				Panels []struct{ Title string } // of a collapsed row
			}
			Templating struct {
				List []struct{ Name string }
			}
		}
		decode(t, "../../dashboards/"+uid+".json", &dashboard) // JSON is YAML
		variables[dashboard.UID] = true
		for _, v := range dashboard.Templating.List {
			variables[dashboard.UID+" "+v.Name] = true
		}
		for _, p := range dashboard.Panels {
			panels += "\n" + p.Title
			for _, folded := range p.Panels {
				panels += "\n" + folded.Title
			}
		}
	}
	links := regexp.MustCompile(`http://localhost:3000/d/([\w-]+)(\S*?)\)`).FindAllStringSubmatch(text, -1)
	if len(links) == 0 {
		t.Error("runbooks.md has no link to a dashboard")
	}
	for _, link := range links {
		if !variables[link[1]] {
			t.Errorf("runbooks.md: there is no dashboard %s", link[1])
		}
		for _, v := range regexp.MustCompile(`var-(\w+)=`).FindAllStringSubmatch(link[2], -1) {
			if !variables[link[1]+" "+v[1]] {
				t.Errorf("runbooks.md: the dashboard %s has no variable %s", link[1], v[1])
			}
		}
	}
	for _, m := range regexp.MustCompile(`panel\s\*([^*]+)\*`).FindAllStringSubmatch(text, -1) {
		if title := strings.Join(strings.Fields(m[1]), " "); !strings.Contains(panels, "\n"+title) {
			t.Errorf("runbooks.md: no dashboard has a panel %q", title)
		}
	}
}
