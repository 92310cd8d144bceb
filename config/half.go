package config

import "strings"

// A half is one half of a pair of keys, or the like: written in the file as text
// under its name, or as the path of another file under its name and "_file".
// No message repeats the text.
type half struct {
	name       string
	text, file value
}

// read returns the half, text or path, of the section that must hold exactly one.
func (h half) read(section value) (text, file string) {
	switch {
	case h.text.present() && h.file.present():
		h.refuse()
	case h.text.present():
		text = h.text.required()
	case h.file.present():
		file = h.file.required()
	default:
		section.field(h.name+"_file").fail("is missing: name the file that holds the key, or write the key itself as %s", h.name)
	}
	return text, file
}

// refuseBoth allows for text or path, or neither.
func (h half) refuseBoth() {
	if h.text.filled() && h.file.filled() {
		h.refuse()
	}
}

func (h half) refuse() {
	h.text.fail("%s_file is set too, in line %d: remove one", h.name, h.file.line)
}

// given returns the text or the path, whichever is filled in.
func (h half) given() value {
	switch {
	case h.text.filled():
		return h.text
	case h.file.filled():
		return h.file
	default:
		return value{}
	}
}

// filled reports whether v is in the file and says something.
func (v value) filled() bool { return v.present() && v.node.Value != "" }

// required reads a text that must say something.
func (v value) required() string {
	text, ok := v.text()
	if ok && strings.TrimSpace(text) == "" {
		v.fail("is empty: fill it in, or remove it")
	}
	return text
}

// optional reads a text that may be empty, which in the fields that come from
// Prometheus is the same as not set.
func (v value) optional() string {
	text, _ := v.text()
	return text
}
