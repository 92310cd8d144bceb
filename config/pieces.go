package config

import (
	"bytes"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"go.yaml.in/yaml/v4"
)

// pieceSize is how many bytes of a long list of clients are parsed at once. A parsed file
// takes 40 times its size in memory, and one processor parses 10 MB in a second. So a long
// list is parsed in pieces, on all processors, and each piece is forgotten before the next.
const pieceSize = 64 << 10

// A piece is a part of the list of clients: some of its items, from the beginning of a line.
type piece struct {
	data  []byte
	line  int // how many lines are above it
	first int // how many items are above it
	items int
}

// cut divides a long file whose list of clients is written in lines that begin with "- ". It
// returns the file with empty lines in place of the list, the line of the field clients,
// and the pieces of the list. There are no pieces if the file is short or written in
// another way.
//
// cut only looks at the beginnings of lines. It is wrong if such a line is part of a quoted
// text of several lines. Then the quotes of a piece or of the rest are not closed, so
// that it can't be parsed, or a piece does not have the items that were counted.
func cut(data []byte, size int) (rest []byte, field int, pieces []piece) {
	if len(data) <= size {
		return nil, 0, nil
	}
	begin, line, indent := 0, 0, -1 // of the current piece
	var p piece
	end := func(at int) {
		p.data = data[begin:at]
		pieces = append(pieces, p)
	}
	for at := 0; at < len(data); line++ {
		next := len(data)
		if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
			next = at + i + 1
		}
		text := bytes.TrimRight(data[at:next], "\r\n")
		blanks := len(text) - len(bytes.TrimLeft(text, " "))
		content := text[blanks:]
		isItem := len(content) > 0 && content[0] == '-' && (len(content) == 1 || content[1] == ' ')
		switch {
		case field == 0:
			if after, ok := bytes.CutPrefix(text, []byte("clients:")); ok && isComment(bytes.TrimLeft(after, " ")) {
				field = line + 1
				rest = append(rest, data[:next]...)
				begin, p.line = next, line+1
			}
			at = next
			continue
		case isComment(content):
		case indent < 0 && !isItem:
			return nil, 0, nil
		case isItem && (indent < 0 || blanks == indent):
			indent = blanks
			if at-begin >= size {
				end(at)
				begin, p = at, piece{line: line, first: p.first + p.items}
			}
			p.items++
		case blanks <= indent: // the end of the list
			end(at)
			rest = append(append(rest, bytes.Repeat([]byte("\n"), line-field)...), data[at:]...)
			return rest, field, pieces
		}
		at = next
	}
	if indent >= 0 {
		end(len(data))
	}
	return rest, field, pieces
}

// isComment reports whether the rest of a line has no content.
func isComment(rest []byte) bool { return len(rest) == 0 || rest[0] == '#' }

// parsePieces returns the root of a file that is parsed in pieces, and its clients. ok is
// false if the file must be parsed as a whole: to say what is wrong with it, or because an
// anchor in one piece is used in another.
func (w *walk) parsePieces(data []byte) (root value, clients list, ok bool) {
	if len(data) > maxSize { // it was not read to its end
		return value{}, list{}, false
	}
	rest, field, pieces := cut(data, w.pieceSize)
	if pieces == nil {
		return value{}, list{}, false
	}
	documents, err := parseYAML(rest)
	if err != nil || len(documents) != 1 || !hasField(documents[0].Content[0], field) {
		return value{}, list{}, false
	}
	lists, walks := make([]list, len(pieces)), make([]walk, len(pieces))
	var failed atomic.Bool
	failures := make([]error, len(pieces))
	parallel(len(pieces), func(i int) {
		p := pieces[i]
		documents, err := parseYAML(p.data)
		failures[i] = err
		if err != nil || len(documents) != 1 || len(documents[0].Content[0].Content) != p.items || documents[0].Content[0].Kind != yaml.SequenceNode {
			failed.Store(true)
			return
		}
		node := documents[0].Content[0]
		moveDown(node, p.line)
		walks[i] = walk{file: w.file, budget: maxBorrowed}
		lists[i] = readClients(value{walk: &walks[i], node: node, path: "clients", name: "clients", line: field}, p.first)
		lists[i].value = value{} // which would keep the piece in memory
	})
	if failed.Load() {
		w.suspect = suspect(pieces, failures)
		return value{}, list{}, false
	}
	for i, l := range lists {
		clients.clients = append(clients.clients, l.clients...)
		clients.lines = append(clients.lines, l.lines...)
		w.problems = append(w.problems, walks[i].problems...)
	}
	node := documents[0].Content[0]
	return value{walk: w, node: node, line: node.Line}, clients, true
}

// suspect returns the first piece that can't be parsed, joined with the next one: if the cut
// was only in the middle of a text of several lines, the two can be parsed together. So an
// error is found without parsing the whole file again and again.
func suspect(pieces []piece, failures []error) *piece {
	for i, err := range failures {
		if err != nil {
			p := pieces[i]
			if i+1 < len(pieces) {
				p.data = p.data[:len(p.data)+len(pieces[i+1].data)] // the pieces follow each other in the file
			}
			return &p
		}
	}
	return nil
}

// hasField reports whether a mapping has a field clients without a value in this line, and no
// alias below: its anchor may be set, or set again, in the list.
func hasField(mapping *yaml.Node, line int) bool {
	if mapping.Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i < len(mapping.Content); i += 2 {
		if key := mapping.Content[i]; key.Value == "clients" && key.Line == line {
			return value{node: mapping.Content[i+1]}.isNull() && !slices.ContainsFunc(mapping.Content[i+2:], hasAlias)
		}
	}
	return false
}

func hasAlias(node *yaml.Node) bool {
	return node.Kind == yaml.AliasNode || slices.ContainsFunc(node.Content, hasAlias)
}

// moveDown adds lines to the line of a node and of all below it.
func moveDown(node *yaml.Node, lines int) {
	node.Line += lines
	for _, below := range node.Content {
		moveDown(below, lines)
	}
}

// parallel calls f for each number below n, on all processors.
func parallel(n int, f func(i int)) {
	var last atomic.Int64
	var workers sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for i := int(last.Add(1)) - 1; i < n; i = int(last.Add(1)) - 1 {
				f(i)
			}
		})
	}
	workers.Wait()
}
