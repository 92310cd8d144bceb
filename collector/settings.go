package collector

import (
	"context"
	"unique"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/singleflight"

	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// API is what the collector needs of IGSend. *igsend.Client implements it.
type API interface {
	// Balances asks once for the balances of one client, one for each currency. It
	// returns soon after ctx is done. Balances and an error come together when only
	// part of the answer was good. Errors are *igsend.Error.
	Balances(ctx context.Context, keys igsend.Keys, id igsend.ClientID) ([]igsend.Balance, error)
	// Close releases idle connections. It is called when a reload replaces the API, and
	// once more after each call that was in flight at that time.
	Close()
}

// Settings are what a reload replaces as a whole.
type Settings struct {
	Config *config.Config
	API    API
}

// A setup is Settings with what is derived from them once.
type setup struct {
	Settings
	source  source
	clients []*client // in the order of the configuration
	info    *prometheus.Desc
	// configured are the samples that the configuration alone decides, by client.
	configured [][]sample
	reads      singleflight.Group // of the keys

	inFlight int // requests
}

// full reports whether as many requests are in flight as the API has connections: after a
// reload, a scrape under way has those of its own settings.
func (s *setup) full() bool { return s.inFlight >= s.Config.API.Concurrency }

// A source is where balances come from. Balances of two sources can't be compared: the
// difference is not a payment. It is a handle because each client keeps some.
type source = unique.Handle[origin]

type origin struct {
	endpoint string
	unit     igsend.Unit
}

// A session is a setup with one pair of keys. Scrapes of one session share requests. A
// reload or a rotated key begins a new one; scrapes under way finish in theirs.
type session struct {
	*setup
	key      *key
	requests map[int]*request // by client
}

func newSetup(settings Settings, known map[igsend.ClientID]*client) *setup {
	api := settings.Config.API
	names, common := labelNames(settings.Config.Clients), newShared()
	s := &setup{
		Settings: settings,
		source:   unique.Make(origin{endpoint: api.Endpoint, unit: api.BalanceUnit}),
		info:     infoDesc(names),
	}
	for i := range settings.Config.Clients {
		configured := &settings.Config.Clients[i]
		c, ok := known[configured.ID]
		if !ok {
			c = newClient(configured.ID)
		}
		c.index = i
		s.clients = append(s.clients, c)
		s.configured = append(s.configured, configuredSamples(c.label[0], configured, s.info, names, common))
	}
	return s
}

func newSession(s *setup, k *key) *session {
	return &session{setup: s, key: k, requests: map[int]*request{}}
}
