package main

import (
	"net/http"
	"testing"
)

// A warning is logged at the start and at each reload that finds it.
func TestServeLogsWarnings(t *testing.T) {
	s := newSite(t)
	s.configure("", "- {id: 100045, thresholds: {GBP: {crtical: 1}}}\n")
	p, url := start(t, nil, "--config.file="+s.configFile)
	p.await(`level=warn [^\n]*field=clients\[0\]\.thresholds\.GBP\.crtical warning="looks like a misspelt critical: `)
	s.configure("", "- {id: 100045, thresholds: {GBP: {critical: 1, wraning: 2}}}\n")
	if status, _, body := request(t, httpClient, http.MethodPost, url+"/-/reload"); status != http.StatusOK {
		t.Fatalf("reload: HTTP status %d: %s", status, body)
	}
	p.await(`level=warn [^\n]*field=clients\[0\]\.thresholds\.GBP\.wraning warning="looks like a misspelt warning: `)
}
