package main

import (
	"context"
	"time"

	"github.com/igsend-exporter/igsend_exporter/config"
)

// A fileWatch looks for changes in the files of the configuration from time to time.
type fileWatch struct {
	files    *config.Watch // nil: nothing to watch
	interval time.Duration
}

// begin remembers the files as they are now.
func (w *fileWatch) begin() {
	if w.files != nil {
		w.files.Changed()
	}
}

// run calls reload after each change, until ctx is done. A reload that fails is not
// repeated before the next change.
func (w *fileWatch) run(ctx context.Context, reload func() error) {
	if w.files == nil {
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
		if w.files.Changed() {
			_ = reload() // logged, and in the metrics
		}
	}
}
