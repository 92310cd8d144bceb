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
// can't be read counts as one without content. When ctx is done, nothing has changed.
func (w *fileWatch) changed(ctx context.Context) bool {
	// The error is reported by the reload that follows.
	content, _ := interruptible(ctx, func() ([]byte, error) { return os.ReadFile(w.name) })
	sum := sha256.Sum256(content)
	if ctx.Err() != nil || sum == w.last {
		return false
	}
	w.last = sum
	return true
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
		if w.changed(ctx) {
			_ = reload() // logged, and in the metrics
		}
	}
}
