package collector

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// TestChaos lets several scrapers, a world that misbehaves in every way and reloads
// loose on one fetcher, and holds every answer against the rules. A seed makes the
// same world again; only the pauses before another attempt are not its own. With
// CHAOS_SEEDS=n, it is n other seeds than usual, and two days for each.
func TestChaos(t *testing.T) {
	first, last, epochs := uint64(1), uint64(3), 8
	if more, err := strconv.ParseUint(os.Getenv("CHAOS_SEEDS"), 10, 64); err == nil {
		first, last, epochs = last+1, last+more, 96
	}
	for seed := first; seed <= last; seed++ {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newChaos(t, seed).run(epochs) })
		})
	}
}

const (
	chaosClients = 12
	epochLength  = 30 * time.Minute
	// After that long it is known who is slow and whose 401 is their own, and nobody was
	// left out.
	settled = 10 * time.Minute
)

// A chaos is a world and those who act in it.
type chaos struct {
	*world
	fetcher *Fetcher
	rng     *rand.Rand
	files   igsend.KeySource
	key     int
	storm   storm
}

// A storm is what was known when a key was withdrawn.
type storm struct {
	scrapes, apis int
	at            time.Time
}

// An epoch is a stretch of time with faults of one kind.
type epoch struct {
	name    string
	wild    bool // keys, reloads, silences
	timeout time.Duration
	slots   int
	faulty  int  // clients that misbehave
	hanging bool // by not answering
}

func newChaos(t *testing.T, seed uint64) *chaos {
	t.Helper()
	c := &chaos{
		world: &world{
			t: t, seed: seed, begun: time.Now(), keyFile: true,
			members: map[igsend.ClientID]*member{}, refused: map[igsend.Keys]bool{},
			byAmount: map[string]*delivery{}, byError: map[*igsend.Error]*delivery{},
			denials: map[igsend.Keys]int{}, failed: map[*client]*failures{},
		},
		rng:   rand.New(rand.NewPCG(seed, 0)),
		files: keyFiles(t, "0"),
	}
	for _, id := range ids(1, chaosClients) {
		c.members[id] = &member{rng: rand.New(rand.NewPCG(seed, uint64(id)))}
	}
	c.fetcher = NewFetcher(c.settings(epoch{slots: 2}), slog.New(slog.DiscardHandler))
	return c
}

// run lives through some epochs. Whatever happened in one, a single scrape makes all
// good when IGSend is well again.
func (c *chaos) run(epochs int) {
	for range epochs {
		e := []epoch{
			{name: "mild", timeout: 9 * time.Second, slots: 2 + c.rng.IntN(3), faulty: 4},
			{name: "stuck", timeout: 4 * time.Second, slots: 2 + c.rng.IntN(3), faulty: 7, hanging: true},
			{name: "tight", timeout: 600 * time.Millisecond, slots: 1 + c.rng.IntN(2), faulty: 3},
			{name: "wild", timeout: 5 * time.Second, slots: 1 + c.rng.IntN(4), faulty: 6, wild: true},
			{name: "wild", timeout: 5 * time.Second, slots: 1 + c.rng.IntN(4), faulty: 2, wild: true},
		}[c.rng.IntN(5)]
		c.reload(e)
		c.misbehave(e)
		over := time.Now().Add(epochLength)
		var all sync.WaitGroup
		for n := range 3 {
			all.Go(func() { c.scraper(e, uint64(n), over) })
		}
		for n := range 2 {
			all.Go(func() { c.prober(e, uint64(3+n), over) })
		}
		if e.wild {
			all.Go(func() { c.meddle(e, over) })
		}
		all.Wait()
		c.recover(e)
		c.audit(c.fetcher)
	}
	c.fetcher.Close()
	for i, api := range c.apis {
		if !api.closed {
			c.errorf("API %d of %d was not closed after its last request", i+1, len(c.apis))
		}
	}
}

// scraper scrapes until the epoch is over, and sometimes hangs up.
func (c *chaos) scraper(e epoch, n uint64, over time.Time) {
	rng := rand.New(rand.NewPCG(c.seed, uint64(time.Since(c.begun))+n))
	timeout := e.timeout - time.Duration(rng.Int64N(int64(e.timeout/4)))
	interval := 5*time.Second + time.Duration(rng.Int64N(int64(20*time.Second)))
	known := time.Now().Add(settled)
	for time.Now().Before(over) && c.failures == 0 {
		time.Sleep(interval/2 + time.Duration(rng.Int64N(int64(interval))))
		hangUp := time.Duration(0)
		if rng.IntN(20) == 0 {
			hangUp = time.Duration(1 + rng.Int64N(int64(timeout)))
		}
		s := c.scrape(c.fetcher, 0, timeout, hangUp)
		if (e.name == "mild" || e.name == "stuck") && hangUp == 0 && time.Now().After(known) {
			c.checkIsolation(s)
		}
	}
}

// prober probes one client after the other until the epoch is over.
func (c *chaos) prober(e epoch, n uint64, over time.Time) {
	rng := rand.New(rand.NewPCG(c.seed, uint64(time.Since(c.begun))+n))
	known := time.Now().Add(settled)
	for time.Now().Before(over) && c.failures == 0 {
		time.Sleep(time.Duration(rng.Int64N(int64(10 * time.Second))))
		hangUp := time.Duration(0)
		if rng.IntN(20) == 0 {
			hangUp = time.Duration(1 + rng.Int64N(int64(e.timeout)))
		}
		s := c.scrape(c.fetcher, igsend.ClientID(1+rng.IntN(chaosClients)), e.timeout, hangUp)
		if s != nil && (e.name == "mild" || e.name == "stuck") && hangUp == 0 && time.Now().After(known) {
			c.checkIsolation(s)
		}
	}
}

// checkIsolation holds that clients that fail cost no other its balance.
func (c *chaos) checkIsolation(s *chaosScrape) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range s.answers {
		if a.Err != nil && c.members[a.ClientID].mode == healthy {
			c.errorf("client %s is well, but: %v", a.ClientID, a.Err)
		}
	}
}

// misbehave gives some clients a fault that is their own.
func (c *chaos) misbehave(e epoch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for range e.faulty {
		m := c.members[igsend.ClientID(1+c.rng.IntN(chaosClients))]
		m.mode = mode(c.rng.IntN(int(limiting)))
		if e.hanging {
			m.mode = hanging
		}
	}
}

// recover ends all faults and looks whether one scrape heals.
func (c *chaos) recover(e epoch) {
	c.restore()
	c.mu.Lock()
	for id, m := range c.members {
		if _, configured := c.current.accounts[id]; configured && !e.wild && c.failures == 0 && time.Since(m.asked) > settled {
			c.errorf("client %s was not asked for %s, %s epoch", id, time.Since(m.asked), e.name)
		}
		m.mode = healthy
	}
	silent := time.Until(c.silent)
	c.mu.Unlock()
	time.Sleep(silent + time.Second)
	got := map[igsend.ClientID]igsend.Reason{}
	want := map[igsend.ClientID]igsend.Reason{}
	for _, a := range c.scrape(c.fetcher, 0, time.Minute, 0).answers {
		want[a.ClientID], got[a.ClientID] = "", ""
		if a.Err != nil {
			got[a.ClientID] = a.Err.Reason
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		c.errorf("all is well again, %s epoch, but (-want +got):\n%s", e.name, diff)
	}
}

// meddle withdraws, rotates and hides keys, reloads, and changes who misbehaves.
func (c *chaos) meddle(e epoch, over time.Time) {
	for time.Now().Before(over) {
		time.Sleep(time.Duration(c.rng.Int64N(int64(4 * time.Minute))))
		switch c.rng.IntN(8) {
		case 0:
			c.withdraw()
		case 1, 2:
			c.restore()
		case 3:
			c.restore()
			c.key++
			writeFile(c.t, c.files.PrivateFile, strconv.Itoa(c.key))
		case 4:
			c.mu.Lock()
			c.keyFile = false
			c.mu.Unlock()
			writeFile(c.t, c.files.PrivateFile, "")
		case 5:
			c.reload(e)
		case 6:
			c.misbehave(e)
		case 7:
			c.mu.Lock()
			c.members[igsend.ClientID(1+c.rng.IntN(chaosClients))].mode = limiting
			c.mu.Unlock()
		}
	}
}

func (c *chaos) keys() igsend.Keys {
	return igsend.Keys{Public: "public", Private: strconv.Itoa(c.key)}
}

func (c *chaos) withdraw() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.refused[c.keys()] {
		c.refused[c.keys()] = true
		c.storm = storm{c.scrapes, len(c.apis), time.Now()}
		c.denials[c.keys()] = 0
	}
}

// restore has the key accepted, and readable, again. While it was not, it was used
// for what was in flight and to find out, after each reload, and once a scrape; and
// once for each client whose 401 may have been its own. Probes used it once a minute, and
// for clients that were refused before.
func (c *chaos) restore() {
	c.mu.Lock()
	defer c.mu.Unlock()
	const slots, underWay = 4, 3
	most := (len(c.apis)-c.storm.apis+1)*2*slots + c.scrapes - c.storm.scrapes + underWay + chaosClients
	most += (1 + slots) * (1 + int(time.Since(c.storm.at)/time.Minute)) // probes
	if denials := c.denials[c.keys()]; c.refused[c.keys()] && denials > most {
		c.errorf("%d requests with a key that was withdrawn, want %d at most", denials, most)
	}
	delete(c.refused, c.keys())
	c.keyFile = true
	writeFile(c.t, c.files.PrivateFile, strconv.Itoa(c.key))
}

func (c *chaos) reload(e epoch) {
	c.fetcher.Apply(c.settings(e))
}

// settings returns new ones, of which the world knows.
func (c *chaos) settings(e epoch) Settings {
	c.mu.Lock()
	defer c.mu.Unlock()
	clients := ids(1, chaosClients)
	api := &chaosAPI{world: c.world, open: map[question]int{}, accounts: map[igsend.ClientID]*reference{}}
	s := settings(api, clients, func(a *config.API) {
		a.Keys, a.Concurrency = c.files, e.slots
		if !e.wild {
			return
		}
		a.Endpoint = strings.Repeat("x", 1+c.rng.IntN(8)/7)
		a.RequestTimeout = time.Duration(2+c.rng.IntN(4)) * time.Second
		a.MaxAttempts = 1 + c.rng.IntN(3)
		a.Concurrency = 1 + c.rng.IntN(4)
		a.RequestsPerSecond = []float64{0, 0, 5, 20}[c.rng.IntN(4)]
		a.MinRefreshInterval = []time.Duration{0, 0, 30 * time.Second}[c.rng.IntN(3)]
	})
	if e.wild {
		from := c.rng.IntN(3)
		s.Config.Clients = s.Config.Clients[from : len(clients)-c.rng.IntN(3)]
	}
	api.config = s.Config
	for _, client := range s.Config.Clients {
		api.accounts[client.ID] = newReference()
		if c.current != nil && c.current.accounts[client.ID] != nil {
			api.accounts[client.ID] = c.current.accounts[client.ID]
		}
	}
	c.current, c.lastBegin = api, time.Time{}
	c.apis = append(c.apis, api)
	return s
}
