package main

import (
	"context"
	"crypto/sha256"
	"os"
	"time"
)

// A fileWatch looks for changes in the content of a file. The content counts, not the time
// or the name: Kubernetes replaces a mounted file by swapping symbolic links.
type fileWatch struct {
	name     string // empty: nothing to watch
	interval time.Duration
	last     [sha256.Size]byte
}

// changed reports whether the content is not what it was at the last call. A file that
// can't be read counts as one without content.
func (w *fileWatch) changed() bool {
	content, _ := os.ReadFile(w.name) // reading the configuration from it reports the error
	sum := sha256.Sum256(content)
	changed := sum != w.last
	w.last = sum
	return changed
}

// run calls reload after each change, until ctx is done. A reload that fails is not
// repeated before the next change.
func (w *fileWatch) run(ctx context.Context, reload func() error) {
	if w.name == "" {
		return
	}
	ticker := time.NewTicker(w.interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if changed, err := interruptible(ctx, func() (bool, error) { return w.changed(), nil }); err == nil && changed {
			_ = reload() // logged, and in the metrics
		}
	}
}
