package config

import (
	"bytes"
	"errors"
	"io"
	"sort"
	"strings"

	"go.yaml.in/yaml/v4"
)

// document returns the root of the only YAML document in data. ok is false if there is
// nothing to read.
func (w *walk) document(data []byte) (root value, ok bool) {
	if len(data) > maxSize {
		w.fail(0, "", "is larger than %d MiB, more than any configuration needs", maxSize>>20)
		return value{}, false
	}
	documents, err := parseYAML(data)
	if err != nil {
		line := 0
		if p := w.suspect; p != nil {
			if _, here := parseYAML(p.data); here != nil && explain(here) == explain(err) {
				line = p.line + syntaxLine(p.data, here)
			}
		}
		if line == 0 {
			line = syntaxLine(data, err)
		}
		w.fail(line, "", "is not valid YAML: %s", explain(err))
		return value{}, false
	}
	if len(documents) > 0 {
		node := documents[0].Content[0]
		root = value{walk: w, node: node, line: node.Line}
	}
	if root.isNull() {
		w.fail(0, "", "is empty: it needs %s", w.sections)
		return value{}, false
	}
	if len(documents) > 1 {
		w.fail(documents[1].Line, "", "a second YAML document begins here: remove the line `---` and keep everything in one document")
	}
	return root, true
}

// parseYAML returns the first two documents of data. It does not read further.
func parseYAML(data []byte) ([]*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var documents []*yaml.Node
	for len(documents) < 2 {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		documents = append(documents, &document)
	}
	return documents, nil
}

// syntaxLine returns the line with the syntax error in data. The parser reports the line
// where the surrounding construct begins, or no line at all. So syntaxLine looks for the
// shortest beginning of the file that fails in the same way, and returns its last line.
func syntaxLine(data []byte, failure error) int {
	lines := bytes.SplitAfter(data, []byte("\n"))
	return 1 + sort.Search(len(lines)-1, func(i int) bool {
		_, err := parseYAML(bytes.Join(lines[:i+1], nil))
		return err != nil && explain(err) == explain(failure)
	})
}

// explain describes a syntax error in the user's terms. It never repeats the parser's
// message, because some of these quote the file, and a private key that begins with an
// asterisk is an alias to the parser.
func explain(failure error) string {
	for _, known := range []struct{ parser, meaning string }{
		{"found a tab character", "a tab where only spaces are allowed: indent with spaces"},
		{"cannot start any token", "a value begins with a tab or with one of @ ` %: indent with spaces, or put the value in quotes"},
		{"mapping values are not allowed", "a colon where none is allowed: check the indentation of this line, or put a value that contains \": \" in quotes"},
		{"could not find expected ':'", "a field without a colon and a space after its name"},
		{"did not find expected key", "this line does not fit those above: check its indentation, and that nothing follows a closing quote"},
		{"did not find expected '-'", "this line does not fit the list above: check its indentation, and that items begin with \"- \""},
		{"did not find expected ',' or ']'", "a list that begins with [ needs commas between its items and a closing ]"},
		{"did not find expected ',' or '}'", "a mapping that begins with { needs commas between its fields and a closing }"},
		{"did not find expected node content", "a value is missing, or brackets do not match"},
		{"block sequence entries are not allowed", "a list item can't begin here: put \"- \" on a line of its own"},
		{"unexpected end of stream", "a quote is never closed"},
		{"unknown escape character", "an unknown escape after \\ in double quotes: use single quotes"},
		{"unknown anchor", "an alias whose anchor is not defined above; put a value that begins with * in quotes"},
		{"undefined tag handle", "a value that begins with an unknown tag: put a value that begins with ! in quotes"},
		{"exceeded max depth", "nested too deeply"},
		{"control characters", "a control character: remove it, or write it as an escape in double quotes"},
		{"UTF-8", "a character that is not UTF-8: save the file as UTF-8"},
	} {
		if strings.Contains(failure.Error(), known.parser) {
			return known.meaning
		}
	}
	return "check this line and the one above"
}
