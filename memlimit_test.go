package main

import (
	"bytes"
	"errors"
	"log/slog"
	"math"
	"os"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

func TestLimitMemory(t *testing.T) {
	const own = 1 << 40 // what Go has set by itself from GOMEMLIMIT, at its start
	fails := func(err error) memlimit.Provider { return func() (uint64, error) { return 0, err } }
	for name, test := range map[string]struct {
		environment string // "" means that it is not set
		provider    memlimit.Provider
		want        int64
		log         string
	}{
		"a container":                 {"", memlimit.Limit(128 << 20), 120795955, "level=INFO msg=\"Memory limit from the container or service\" bytes=120795955\n"},
		"a container, and own":        {"1TiB", memlimit.Limit(128 << 20), own, "level=INFO msg=\"Memory limit from GOMEMLIMIT\" bytes=1099511627776\n"},
		"a container, and no own one": {"empty", memlimit.Limit(128 << 20), 120795955, "level=INFO msg=\"Memory limit from the container or service\" bytes=120795955\n"},
		"no limit":                    {"", fails(memlimit.ErrNoLimit), math.MaxInt64, ""},
		"not Linux":                   {"", fails(memlimit.ErrCgroupsNotSupported), own, ""},
		"no cgroup":                   {"", fails(memlimit.ErrNoCgroup), own, ""},
		"unreadable":                  {"", fails(errors.New("it hides")), own, "level=WARN msg=\"The memory limit of the container or service is not known; GOMEMLIMIT can set one\" err=\"failed to set GOMEMLIMIT: it hides\"\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("GOMEMLIMIT", strings.TrimPrefix(test.environment, "empty"))
			if test.environment == "" {
				os.Unsetenv("GOMEMLIMIT")
			}
			defer debug.SetMemoryLimit(debug.SetMemoryLimit(own))
			var log bytes.Buffer
			limitMemory(test.provider, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				if a.Key == slog.TimeKey {
					return slog.Attr{}
				}
				return a
			}})))
			if got := debug.SetMemoryLimit(-1); got != test.want || log.String() != test.log {
				t.Errorf("limit %d, want %d; log %q, want %q", got, test.want, log.String(), test.log)
			}
		})
	}
}

// The program sets the limit: Go shows it in its own metrics.
func TestMemoryLimitOfTheProgram(t *testing.T) {
	s := newSite(t)
	p, url := start(t, []string{"GOMEMLIMIT=100MiB"}, "--config.file="+s.configFile)
	p.await(`msg="Memory limit from GOMEMLIMIT" bytes=104857600`)
	got := samples(get(t, url+"/metrics"), "go_gc_gomemlimit_bytes")
	if len(got) != 1 || got[0] != "go_gc_gomemlimit_bytes 1.048576e+08" {
		t.Errorf("%q, want 100 MiB", got)
	}
}
