package config

import (
	"strconv"
	"strings"
)

// An Error is one thing that is wrong with a configuration, or probably wrong, and the
// way out.
type Error struct {
	// File is the path that was given to Load; empty for Parse and FromFlags.
	File string
	// Line counts from 1; 0 when the problem is not in one line.
	Line int
	// Field is the full path in the user's terms, such as clients[2].thresholds.GBP.critical,
	// or the name of a flag or environment variable; empty when the problem is the file as a whole.
	Field string
	// Message is one line of text.
	Message string
	// Warning is true for what is valid, but probably not what was meant.
	Warning bool
}

// Error returns one line: file, line, "warning" if it is one, field and message, as far
// as they are known.
func (e Error) Error() string {
	var parts []string
	switch {
	case e.File != "" && e.Line > 0:
		parts = append(parts, e.File+":"+strconv.Itoa(e.Line))
	case e.File != "":
		parts = append(parts, e.File)
	case e.Line > 0:
		parts = append(parts, "line "+strconv.Itoa(e.Line))
	}
	if e.Warning {
		parts = append(parts, "warning")
	}
	if e.Field != "" {
		parts = append(parts, e.Field)
	}
	return strings.Join(append(parts, e.Message), ": ")
}

// Errors is everything that is wrong with a configuration, warnings included, in the
// order of its lines.
type Errors []Error

// Error returns one line per problem.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, problem := range e {
		lines[i] = problem.Error()
	}
	return strings.Join(lines, "\n")
}
