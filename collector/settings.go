package collector

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// API is what the collector needs of IGSend. *igsend.Client is one.
type API interface {
	// Balances asks once for the balances of one client, one for each currency. It
	// returns soon after ctx is done. Balances and an error may come together, when
	// a part of the answer was good. Errors are *igsend.Error.
	Balances(ctx context.Context, keys igsend.Keys, id igsend.ClientID) ([]igsend.Balance, error)
	// Close gives up what the API holds and does not use. It is called when the API is
	// replaced, and again whenever a call that was under way then has returned.
	Close()
}

// Settings are what a reload replaces, as a whole.
type Settings struct {
	Config *config.Config
	API    API
}

// A generation is one set of settings with one pair of keys. Whatever is shared
// between scrapes is shared within a generation only: after a reload or a change of
// the keys, scrapes under way finish on the generation they began with, and later
// ones begin with the new one.
type generation struct {
	*setup
	keys    igsend.Keys
	guard   *guard
	targets []*target
	flights int // requests in flight
}

// A setup is what the generations between two reloads have in common.
type setup struct {
	Settings
	source *source
	known  []*knownClient // in the order of the configuration
	sorted []int          // indices of known, in the order of an exposition
	users  int            // sweeps under way and requests in flight
	reads  singleflight.Group
}

// A source is where balances come from. Those of two sources can't be compared:
// between them lies no payment, but a change of the configuration.
type source struct {
	endpoint string
	unit     igsend.Unit
}

// A knownClient is a configured client: what stays of it over reloads, and what its
// configuration alone says.
type knownClient struct {
	*account
	configured []sample
}

// A target is one client within a generation: the state of the question that may be
// open about it.
type target struct {
	*account
	gen   *generation
	index int // in gen.targets, and in the answers of each of its sweeps

	flight   *flight       // the request that is in flight, if one is
	attempts int           // requests made for this question
	first    *igsend.Error // why the first of them failed, while another is to follow
	pause    *time.Timer   // runs before that other one
}

func newSetup(settings Settings, accounts map[igsend.ClientID]*account, logger *slog.Logger) *setup {
	api := settings.Config.API
	s := &setup{
		Settings: settings,
		source:   &source{endpoint: api.Endpoint, unit: api.BalanceUnit},
	}
	labels := labelNames(settings.Config.Clients)
	for _, client := range settings.Config.Clients {
		known, ok := accounts[client.ID]
		if !ok {
			known = newAccount(client.ID)
		}
		known.logger = logger.With("client_id", client.ID.String(), "name", client.Name)
		s.known = append(s.known, &knownClient{account: known, configured: configuredSamples(known, client, labels)})
		s.sorted = append(s.sorted, len(s.sorted))
	}
	slices.SortFunc(s.sorted, func(i, j int) int {
		return cmp.Compare(s.known[i].id.String(), s.known[j].id.String())
	})
	return s
}

func newGeneration(s *setup, keys igsend.Keys, g *guard) *generation {
	gen := &generation{setup: s, keys: keys, guard: g, targets: make([]*target, len(s.known))}
	targets := make([]target, len(s.known))
	for i, known := range s.known {
		targets[i] = target{account: known.account, gen: gen, index: i}
		gen.targets[i] = &targets[i]
	}
	return gen
}
