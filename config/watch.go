package config

import (
	"crypto/sha256"
	"hash"
	"path/filepath"
)

// A Watch looks for changes in the content of a configuration file and of the files that its
// clients_from matches. The content counts, not the time or the name: Kubernetes replaces
// mounted files by swapping symbolic links.
type Watch struct {
	path     string
	last     [sha256.Size]byte
	main     [sha256.Size]byte
	patterns []pattern // of the file with the sum main
}

// NewWatch returns a Watch for the file at path. The first call of Changed returns true.
func NewWatch(path string) *Watch { return &Watch{path: path} }

// Changed reports whether the content is not what it was at the last call. A file that can't
// be read, is not a regular file or is too large counts as empty: reading a pipe would take
// its content away from the next reload.
func (w *Watch) Changed() bool {
	dir := filepath.Dir(w.path)
	all := sha256.New()
	main := add(all, w.path)
	if sum := sha256.Sum256(main); sum != w.main {
		w.main, w.patterns = sum, nil
		if s, ok := newWalk(w.path, dir).outline(main); ok {
			w.patterns = readPatterns(s.get("clients_from"))
		}
	}
	for _, p := range w.patterns {
		names, _ := glob(dir, p.text) // the reload reports the error
		for _, name := range names {
			add(all, name)
		}
	}
	sum := [sha256.Size]byte(all.Sum(nil))
	changed := sum != w.last
	w.last = sum
	return changed
}

// add adds the content of a file to a sum, and returns the content.
func add(sum hash.Hash, name string) []byte {
	file, err := readRegular(name)
	if err != nil || len(file.data) > maxSize {
		file.data = nil
	}
	content := sha256.Sum256(file.data)
	_, _ = sum.Write(content[:])
	return file.data
}

// outline returns the sections of a file. It skips the list of clients if it can.
func (w *walk) outline(data []byte) (*section, bool) {
	rest, field, pieces := cut(data, w.pieceSize)
	if pieces != nil {
		if documents, err := parseYAML(rest); err == nil && len(documents) == 1 && hasField(documents[0].Content[0], field) {
			data = rest
		}
	}
	root, ok := w.document(data)
	if !ok {
		return nil, false
	}
	return root.section()
}
