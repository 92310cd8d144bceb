package dashboards

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// hues are Grafana's named colours from super-light to dark, in its dark and its light theme.
var hues = map[string][2][5]string{
	"red":    {{"FFA6B0", "FF7383", "F2495C", "E02F44", "C4162A"}, {"FF7383", "F2495C", "E02F44", "C4162A", "AD0317"}},
	"orange": {{"FFCB7D", "FFB357", "FF9830", "FF780A", "FA6400"}, {"FFB357", "FF9830", "FF780A", "FA6400", "E55400"}},
	"yellow": {{"FFF899", "FFEE52", "FADE2A", "F2CC0C", "E0B400"}, {"FFEE52", "FADE2A", "F2CC0C", "E0B400", "CC9D00"}},
	"green":  {{"C8F2C2", "96D98D", "73BF69", "56A64B", "37872D"}, {"96D98D", "73BF69", "56A64B", "37872D", "19730E"}},
	"blue":   {{"C0D8FF", "8AB8FF", "5794F2", "3274D9", "1F60C4"}, {"8AB8FF", "5794F2", "3274D9", "1F60C4", "1250B0"}},
	"purple": {{"DEB6F2", "CA95E5", "B877D9", "A352CC", "8F3BB8"}, {"CA95E5", "B877D9", "A352CC", "8F3BB8", "7C2EA3"}},
}

var (
	shades      = []string{"super-light-", "light-", "", "semi-dark-", "dark-"}
	backgrounds = [2]string{"181B1F", "FFFFFF"}
)

// rgb returns a named colour in a theme.
func rgb(t *testing.T, name string, theme int) [3]float64 {
	t.Helper()
	for hue, themes := range hues {
		if shade, ok := strings.CutSuffix(name, hue); ok && slices.Contains(shades, shade) {
			return hex(t, themes[theme][slices.Index(shades, shade)])
		}
	}
	t.Fatalf("colour %q", name)
	return [3]float64{}
}

func hex(t *testing.T, s string) [3]float64 {
	t.Helper()
	n, err := strconv.ParseUint(s, 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	return [3]float64{float64(n >> 16), float64(n >> 8 & 0xff), float64(n & 0xff)}
}

// contrast is that of the Web Content Accessibility Guidelines, from 1 to 21.
func contrast(a, b [3]float64) float64 {
	luminance := func(c [3]float64) float64 {
		var sum float64
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			v := c[i] / 255
			if v <= 0.03928 {
				sum += weight * v / 12.92
			} else {
				sum += weight * math.Pow((v+0.055)/1.055, 2.4)
			}
		}
		return sum
	}
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// onBackground is the text colour that Grafana chooses for a cell with a coloured background.
func onBackground(c [3]float64) [3]float64 {
	if 0.299*c[0]+0.587*c[1]+0.114*c[2] > 180 {
		return [3]float64{32, 34, 38}
	}
	return [3]float64{247, 248, 250}
}

// used returns the colours that a JSON text sets, in mappings and thresholds.
func colorsIn(t *testing.T, texts ...string) []string {
	t.Helper()
	var colors []string
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			if c, ok := v["color"].(string); ok && c != "text" && c != "transparent" {
				colors = append(colors, c)
			}
			for _, e := range v {
				walk(e)
			}
		}
	}
	for _, s := range texts {
		var v any
		if s == "" {
			continue
		}
		if err := json.Unmarshal([]byte(s), &v); err != nil {
			t.Fatal(err)
		}
		walk(v)
	}
	return colors
}

// TestContrast checks that coloured texts can be read in both themes: 4.5 for the texts of
// tables, 3 for the large ones of tiles.
func TestContrast(t *testing.T) {
	forEach(t, func(t *testing.T, d dashboard) {
		t.Helper()
		for _, p := range d.Panels {
			for theme, background := range backgrounds {
				check := func(what, name string, least float64, onColor bool) {
					c := rgb(t, name, theme)
					with := hex(t, background)
					if onColor {
						with = onBackground(c)
					}
					if got := contrast(c, with); got < least {
						t.Errorf("%s in %s, theme %d: contrast %.1f, want %.1f", what, name, theme, got, least)
					}
				}
				if p.Type == "stat" {
					for _, name := range colorsIn(t, string(p.FieldConfig.Defaults.Mappings), string(p.FieldConfig.Defaults.Thresholds)) {
						check(fmt.Sprintf("tile %q", p.Title), name, 3, false)
					}
				}
				if p.Type != "table" {
					continue
				}
				for _, o := range p.FieldConfig.Overrides {
					onColor := strings.Contains(o.property("custom.cellOptions"), "color-background")
					for _, name := range colorsIn(t, o.property("mappings"), o.property("thresholds")) {
						check(fmt.Sprintf("column %q of %q", o.Matcher.Options, p.Title), name, 4.5, onColor)
					}
				}
			}
		}
	})
}

// reasons are the exporter's.
var reasons = []string{
	"malformed", "rejected", "unauthorized", "rate_limited", "http", "network", "tls", "timeout", "credentials", "canceled",
}

// TestReasonColors checks that a reason has one colour, its own and not green, wherever it is shown.
func TestReasonColors(t *testing.T) {
	colors := map[string]string{}
	panels := 0
	for _, p := range load(t)["igsend-exporter"].Panels {
		if !slices.ContainsFunc(p.Targets, func(q target) bool { return q.LegendFormat == "{{reason}}" }) {
			continue
		}
		panels++
		for _, reason := range reasons {
			c := p.override(reason).property("color")
			if other, ok := colors[reason]; c == "" || ok && other != c || strings.Contains(c, "green") {
				t.Errorf("panel %q: %s has the colour %q, elsewhere %q", p.Title, reason, c, other)
			}
			colors[reason] = c
		}
		// A reason that did not occur would only lengthen the legend.
		if !strings.Contains(p.Targets[0].Expr, "[$__range] @ end())) > 0") {
			t.Errorf("panel %q shows reasons that did not occur", p.Title)
		}
	}
	seen := map[string]string{}
	for reason, c := range colors {
		if other, ok := seen[c]; ok {
			t.Errorf("%s and %s are both %s", reason, other, c)
		}
		seen[c] = reason
	}
	if panels != 2 {
		t.Errorf("%d panels of reasons", panels)
	}
}

// TestRunwayColors checks that a runway is judged by its client's own target only.
func TestRunwayColors(t *testing.T) {
	for _, p := range load(t)["igsend-balances"].Panels {
		switch p.Title {
		case "Accounts, worst first":
			if s := p.override("Runway").property("thresholds"); s != "" {
				t.Errorf("runways of all clients are coloured by %s", s)
			}
			if s := p.override("Of target").property("thresholds"); !strings.Contains(strings.Join(strings.Fields(s), ""), `{"color":"text","value":1}`) {
				t.Errorf("shares of targets are coloured by %s", s)
			}
		case "Shortest runway", "The ten shortest runways":
			if p.FieldConfig.Defaults.Color.Mode != "fixed" || len(p.FieldConfig.Defaults.Thresholds) > 0 {
				t.Errorf("%s: coloured by a threshold that is the same for all", p.Title)
			}
		}
	}
}
