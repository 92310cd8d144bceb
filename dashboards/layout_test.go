package dashboards

import (
	"slices"
	"strings"
	"testing"
)

func TestGrid(t *testing.T) {
	forEach(t, func(t *testing.T, d dashboard) {
		t.Helper()
		taken := map[[2]int]string{}
		for _, p := range d.Panels {
			g := p.GridPos
			if g.W <= 0 || g.H <= 0 || g.X < 0 || g.Y < 0 || g.X+g.W > 24 {
				t.Errorf("panel %q has the position %+v", p.Title, g)
				continue
			}
			for x := g.X; x < g.X+g.W; x++ {
				for y := g.Y; y < g.Y+g.H; y++ {
					if other, ok := taken[[2]int{x, y}]; ok {
						t.Fatalf("panel %q covers %q", p.Title, other)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
		}
		bottom := 0
		for cell := range taken {
			bottom = max(bottom, cell[1]+1)
		}
		if len(taken) != 24*bottom {
			t.Errorf("%d of %d cells are empty", 24*bottom-len(taken), 24*bottom)
		}
	})
}

// width returns how many pixels are inside a panel on a screen 1,600 pixels wide with
// Grafana's menu open, which takes 300.
func (p panel) width() int {
	const page, gap, padding = 1600 - 300 - 2*16, 8, 2 * 8
	return p.GridPos.W*(page+gap)/24 - gap - padding
}

// text returns about how many pixels a text takes at Grafana's usual size.
func text(s string) int { return len([]rune(s)) * 74 / 10 }

// TestTitles checks that no title is cut. Grafana keeps room for the icons of the description
// and the menu, and shows the time range of a panel that has its own.
func TestTitles(t *testing.T) {
	forEach(t, func(t *testing.T, d dashboard) {
		t.Helper()
		for _, p := range d.Panels {
			title := strings.NewReplacer("$purse", "GBP").Replace(p.Title)
			need := text(title) + 56
			if p.TimeFrom != "" {
				need += text("Last 14 days") + 24
			}
			if p.Type != "row" && need > p.width() {
				t.Errorf("panel %q: the title takes %d pixels of %d", p.Title, need, p.width())
			}
		}
	})
}

// TestDetails checks that a click in the table changes what is directly below it. A row has
// all panels up to the next row, and the row of details is repeated for each currency.
func TestDetails(t *testing.T) {
	var order []string
	for _, p := range load(t)["igsend-balances"].Panels {
		order = append(order, p.Title)
	}
	table := slices.Index(order, "Accounts, worst first")
	want := []string{"${client:text} in $purse", "Balance in $purse", "Money in and out in $purse", "Runway in $purse", "All clients"}
	if table < 0 || !slices.Equal(order[table+1:table+1+len(want)], want) {
		t.Errorf("the details are not below the table: %q", order)
	}
	above := 0
	for _, p := range load(t)["igsend-balances"].Panels {
		if p.Title == want[0] {
			above = p.GridPos.Y
		}
	}
	// A row of the grid is 38 pixels high, and a screen shows 24 of them.
	if above > 18 {
		t.Errorf("the details begin at %d, below the fold", above)
	}
}

// TestTiles checks that a glance tells whether payouts can be made.
func TestTiles(t *testing.T) {
	var tiles []string
	for _, p := range load(t)["igsend-balances"].Panels {
		if p.Type == "stat" && p.GridPos.Y == 0 {
			tiles = append(tiles, p.Title)
		}
	}
	want := []string{"Empty now", "Dry within 24 h", "Below a threshold", "Without a balance", "Firing alerts", "Shortest runway"}
	if !slices.Equal(tiles, want) {
		t.Errorf("tiles %q, want %q", tiles, want)
	}
	for _, p := range load(t)["igsend-exporter"].Panels {
		if p.Title == "Version" && p.Options.TextMode != "name" {
			t.Errorf("the version tile shows a number: %s", p.Options.TextMode)
		}
	}
}

// TestBars checks that bar gauges name their bars, with any number of them, and that one long
// bar does not flatten the others.
func TestBars(t *testing.T) {
	bars := 0
	for _, p := range load(t)["igsend-balances"].Panels {
		if p.Type != "bargauge" {
			continue
		}
		bars++
		d, o := p.FieldConfig.Defaults, p.Options
		if !strings.Contains(d.DisplayName, "${__field.labels.client}") || o.Sizing != "manual" || o.MaxVizHeight != 22 || o.Text.TitleSize != 12 || o.Text.ValueSize != 12 {
			t.Errorf("panel %q: displayName %q, %s, %+v", p.Title, d.DisplayName, o.Sizing, o)
		}
		if d.Max == nil || *d.Max > 14*86400 {
			t.Errorf("panel %q: max %v", p.Title, d.Max)
		}
		// Ten bars with their gaps of ten pixels, below a header of 40.
		if height := p.GridPos.H*38 - 8 - 40; height < 10*(o.MinVizHeight+10) {
			t.Errorf("panel %q: %d pixels are too low for ten bars", p.Title, height)
		}
	}
	if bars != 2 {
		t.Errorf("%d bar gauges", bars)
	}
}

// TestLegends checks that no legend shows a number that differs from the table's because of
// the resolution.
func TestLegends(t *testing.T) {
	for _, p := range load(t)["igsend-balances"].Panels {
		if len(p.Options.Legend.Calcs) > 0 {
			t.Errorf("panel %q: the legend shows %v", p.Title, p.Options.Legend.Calcs)
		}
	}
}
