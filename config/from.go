package config

import (
	"os"
	"path/filepath"
	"strings"
)

// A pattern is an item of clients_from.
type pattern struct {
	value
	text string
}

// readPatterns reads clients_from: a pattern, or a list of patterns.
func readPatterns(v value) (patterns []pattern) {
	items := []value{v}
	if v.isNull() || !v.isScalar() {
		var ok bool
		if items, ok = v.items(); ok && v.present() && len(items) == 0 {
			v.fail("needs a pattern, such as clients.d/*.yml")
		}
	}
	for _, item := range items {
		p := pattern{value: item}
		if read(item, &p.text, "a pattern, such as clients.d/*.yml", isPattern) {
			patterns = append(patterns, p)
		}
	}
	return patterns
}

func isPattern(s string) (string, bool) {
	_, err := filepath.Match(s, "")
	return s, err == nil && strings.TrimSpace(s) != ""
}

// readFurther reads the files that the patterns of the field from match. It reports
// each pattern that matches no file, and each match that is not a separate file. main is
// the configuration file.
func (w *walk) readFurther(patterns []pattern, from value, main source) (further []source) {
	before := len(w.problems)
	matched := make(map[string]pattern)
	for _, p := range patterns {
		names, err := glob(w.dir, p.text)
		switch {
		case err != nil:
			p.fail("%v", err)
		case len(names) == 0:
			p.fail("no file matches %s", quote(p.text))
		}
		for _, name := range names {
			if first := matched[name]; first.present() {
				p.fail("matches %s, as %s in line %d does: name each file once", name, first.path, first.line)
				continue
			}
			matched[name] = p
			file, err := readRegular(name)
			switch {
			case err != nil:
				p.fail("%v", err)
			case os.SameFile(main.info, file.info):
				p.fail("matches %s, which is this file itself", name)
			default:
				further = append(further, file)
			}
		}
	}
	if len(w.problems) == before && len(patterns) > 0 {
		if name, ok := settled(w.dir, patterns, append([]source{main}, further...)); !ok {
			w.unsettled = true
			from.fail("%s changed while the configuration was read: load it again", name)
		}
	}
	return further
}

// settled reports whether all files are still as they were read, and whether the patterns
// match the same ones. If not, it returns the name of one that differs. A client that has moved
// from one file to another meanwhile could be in neither.
func settled(dir string, patterns []pattern, files []source) (name string, ok bool) {
	known := make(map[string]bool, len(files))
	for _, file := range files {
		if !file.unchanged() {
			return file.name, false
		}
		known[file.name] = true
	}
	for _, p := range patterns {
		names, err := glob(dir, p.text)
		if err != nil {
			return p.text, false
		}
		for _, name := range names {
			if !known[name] {
				return name, false
			}
		}
	}
	return "", true
}

// parseFurther returns the clients of further files. Each file needs at least one.
func (w *walk) parseFurther(files []source) []list {
	lists := make([]list, len(files))
	parse := func(i int) {
		own := newWalk(files[i].name, w.dir)
		own.sections = "the section clients"
		s, clients, ok := own.parse(files[i].data)
		if ok {
			s.done()
			clients.require()
		}
		clients.value = value{walk: own} // the rest would keep the parsed file in memory
		lists[i] = clients
	}
	// A long file is parsed in pieces, which is parallel by itself.
	var short []int
	for i := range files {
		if len(files[i].data) > w.pieceSize {
			parse(i)
		} else {
			short = append(short, i)
		}
	}
	parallel(len(short), func(i int) { parse(short[i]) })
	return lists
}
