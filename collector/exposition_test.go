package collector

import (
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"
)

// A pedantic registry holds every metric against its description: names of labels, their
// order, types, and that no series is there twice.
func TestAPedanticRegistryAcceptsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(New(t.Context(), NewFetcher(withoutHanging(everything()), slog.New(slog.DiscardHandler))))
		for range 2 {
			if _, err := registry.Gather(); err != nil {
				t.Error(err)
			}
		}
	})
}

// withoutHanging drops the clients that never answer.
func withoutHanging(s Settings) Settings {
	s.Config.Clients = s.Config.Clients[:len(s.Config.Clients)-1]
	return s
}
