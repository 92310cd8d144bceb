package collector

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// BenchmarkProbe measures what a probe costs beside the request to IGSend: HTTP, the
// registry and the exposition, of one of many clients.
func BenchmarkProbe(b *testing.B) {
	server := httptest.NewServer(newTestProbeHandler(newTestFetcher(&fakeAPI{}, ids(1, 10_000), nil), 0))
	defer server.Close()
	for b.Loop() {
		resp, err := http.Get(server.URL + "/probe?client_id=5000")
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
}
