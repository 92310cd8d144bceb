package main

import (
	"errors"
	"log/slog"
	"math"
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// limitMemory makes the garbage collector keep the process within 90 % of the memory
// limit of its container or service, as Prometheus does. The rest is for memory that Go does
// not count. A GOMEMLIMIT in the environment takes precedence.
func limitMemory(limit memlimit.Provider, logger *slog.Logger) {
	fromEnvironment := os.Getenv("GOMEMLIMIT") != ""
	if !fromEnvironment {
		_ = os.Unsetenv("GOMEMLIMIT") // an empty one is none to Go, but would be one to the library
	}
	_, err := memlimit.Set(memlimit.WithProvider(limit))
	switch bytes := debug.SetMemoryLimit(-1); {
	case errors.Is(err, memlimit.ErrCgroupsNotSupported) || errors.Is(err, memlimit.ErrNoCgroup):
	case err != nil:
		logger.Warn("The memory limit of the container or service is not known; GOMEMLIMIT can set one", "err", err)
	case fromEnvironment:
		logger.Info("Memory limit from GOMEMLIMIT", "bytes", bytes)
	case bytes != math.MaxInt64:
		logger.Info("Memory limit from the container or service", "bytes", bytes)
	}
}
