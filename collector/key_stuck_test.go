package collector

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// A client that fails in its own way tells nothing of a key, however often it is asked. The
// next test goes to another client, so that an accepted key is found out.
func TestATestThatTellsNothingIsNotRepeated(t *testing.T) {
	for name, failure := range map[string]reply{
		"500":     fails(igsend.ReasonHTTP, 500),
		"503":     unavailable,
		"timeout": timesOut(100 * time.Millisecond),
		"never":   never,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &fakeAPI{}
				f := newTestFetcher(api, ids(1, 4), oneAtATime)
				scrapeAll(t, f, time.Second)
				denyAll(api, ids(1, 3))
				api.set(4, failure)
				scrapeAll(t, f, time.Second) // refuses 1, 2 and 3
				scrapeAll(t, f, time.Second) // asks 4
				acceptAll(api, ids(1, 3))
				scrapeAll(t, f, time.Second)
				got := scrapeAll(t, f, time.Second)
				delete(got, 4)
				if diff := cmp.Diff(allWith("", ids(1, 3)), got); diff != "" {
					t.Errorf("once the key is accepted (-want +got):\n%s", diff)
				}
			})
		})
	}
}
