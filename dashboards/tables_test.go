package dashboards

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// widest has the widest text that each column of a table has to show.
var widest = map[string]map[string]string{
	"Accounts, worst first": {
		"Trouble": "Below threshold", "Balance": "-12,345,678", "Currency": "Currency", "Runway": "needs a day of history",
		"Client": "Closed subsidiary · 100049", "Of target": "Of target", "Threshold": "Threshold", "Headroom": "Headroom",
		"Spend a day": "Spend a day", "State": "OVERDRAWN", "Age": "45 mins",
	},
	"Alerts firing now": {
		"Severity": "Severity", "Alert": "IGSendBalanceNotInCredit", "Client": "Closed subsidiary · 100049", "Currency": "Currency",
		"Since": "59 minutes ago",
	},
}

// columns returns the columns of a table that are shown, in their order.
func (p panel) columns() []string {
	last := p.Transformations[len(p.Transformations)-1].Options
	var columns []string
	for _, field := range slices.SortedFunc(maps.Keys(last.IndexByName), func(a, b string) int {
		return cmp.Compare(last.IndexByName[a], last.IndexByName[b])
	}) {
		name, ok := last.RenameByName[field].(string)
		if ok && p.override(name).property("custom.hidden") != "true" {
			columns = append(columns, name)
		}
	}
	return columns
}

// TestColumns checks that no text is cut and that a table needs no scrolling sideways, with
// Grafana's menu open. One column takes what the others leave.
func TestColumns(t *testing.T) {
	tables := 0
	for _, p := range load(t)["igsend-balances"].Panels {
		if p.Type != "table" {
			continue
		}
		tables++
		sum, flexible := 0, 0
		columns := p.columns()
		if want := slices.Sorted(maps.Keys(widest[p.Title])); !slices.Equal(slices.Sorted(slices.Values(columns)), want) {
			t.Errorf("table %q has the columns %q, want %q", p.Title, columns, want)
		}
		for _, c := range columns {
			width, err := strconv.Atoi(p.override(c).property("custom.width"))
			if err != nil {
				flexible++
				if width, err = strconv.Atoi(p.override(c).property("custom.minWidth")); err != nil {
					t.Errorf("column %q of %q has no width", c, p.Title)
				}
			}
			sum += width
			if need := max(text(widest[p.Title][c]), text(c)) + 12; need > width {
				t.Errorf("column %q of %q: %q takes %d pixels of %d", c, p.Title, widest[p.Title][c], need, width)
			}
		}
		if sum > p.width() || flexible != 1 {
			t.Errorf("table %q: columns take %d pixels of %d, %d of them flexible", p.Title, sum, p.width(), flexible)
		}
	}
	if tables != len(widest) {
		t.Errorf("%d tables", tables)
	}
}

// TestPhone checks that the first columns, which are all that a phone shows, tell what is
// wrong with how much money. TestCompany in test/e2e checks the order of rows.
func TestPhone(t *testing.T) {
	for _, p := range load(t)["igsend-balances"].Panels {
		if p.Title != "Accounts, worst first" {
			continue
		}
		want := []string{"Trouble", "Balance", "Currency", "Runway", "Client"}
		if got := p.columns(); !slices.Equal(got[:len(want)], want) {
			t.Errorf("columns %q", got)
		}
		sum := 0
		for _, c := range want[:3] {
			width, _ := strconv.Atoi(p.override(c).property("custom.width"))
			sum += width
		}
		if phone := 400 - 2*16 - 2*8; sum > phone {
			t.Errorf("the first three columns take %d pixels of %d", sum, phone)
		}
		if sort := p.Transformations[1]; sort.ID != "sortBy" || sort.Options.Sort[0].Field != "Value #trouble" {
			t.Errorf("sorted by %+v", sort)
		}
	}
}

// TestAlertRows checks that the table has room for nine alerts, and that their labels are
// those that it shows, whatever else the rules add.
func TestAlertRows(t *testing.T) {
	for _, p := range load(t)["igsend-balances"].Panels {
		if p.Title != "Alerts firing now" {
			continue
		}
		// A header of 40 pixels, and the small rows of a table with its own header.
		if height := p.GridPos.H*38 - 8 - 40; height < 10*36 {
			t.Errorf("%d pixels are too low for nine alerts", height)
		}
		if n := strings.Count(p.Targets[0].Expr, "max by (alertname, severity, client_id, currency)"); n != 2 {
			t.Errorf("the query keeps other labels: %s", p.Targets[0].Expr)
		}
		if last := p.Transformations[len(p.Transformations)-2]; last.ID != "sortBy" || last.Options.Sort[0].Field != "rank" {
			t.Errorf("sorted last by %+v", last)
		}
	}
}
