package config

import (
	"slices"
	"strconv"
	"strings"
)

// An Error describes one problem with a configuration and how to fix it. It may be only a
// warning.
type Error struct {
	// File is the path given to Load. It is empty for Parse and FromFlags.
	File string
	// Line counts from 1. It is 0 if the problem is not on a single line.
	Line int
	// Field is the full path of the field, such as clients[2].thresholds.GBP.critical, or
	// the name of a flag or environment variable. It is empty if the problem is with the
	// file as a whole.
	Field string
	// Message is one line of text.
	Message string
	// Warning is true if the configuration is valid but probably not what was meant.
	Warning bool
}

// Error returns one line: file, line, "warning" for a warning, field and message. Empty
// parts are left out.
func (e Error) Error() string {
	parts := []string{e.File, "", e.Field, e.Message}
	switch {
	case e.Line > 0 && e.File != "":
		parts[0] += ":" + strconv.Itoa(e.Line)
	case e.Line > 0:
		parts[0] = "line " + strconv.Itoa(e.Line)
	}
	if e.Warning {
		parts[1] = "warning"
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ": ")
}

// Errors lists all problems with a configuration, warnings included, sorted by line.
type Errors []Error

// Error returns one line for each problem.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, problem := range e {
		lines[i] = problem.Error()
	}
	return strings.Join(lines, "\n")
}
