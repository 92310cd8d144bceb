package main

import (
	"strconv"
	"strings"
	"testing"
)

// Probes are many and leave little: the program collects garbage after scrapes of all
// clients only.
func TestProbesCollectNoGarbage(t *testing.T) {
	s := newSite(t)
	_, url := start(t, nil, "--config.file="+s.configFile)
	collections := func() int {
		got := samples(get(t, url+"/metrics/exporter"), "go_gc_duration_seconds_count")
		n, err := strconv.Atoi(strings.TrimPrefix(strings.Join(got, ""), "go_gc_duration_seconds_count "))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	const times = 30
	before := collections()
	for range times {
		get(t, url+"/probe?client_id=100045")
	}
	if n := collections() - before; n > times/2 { // Go itself collects now and then
		t.Errorf("%d collections after %d probes", n, times)
	}
}
