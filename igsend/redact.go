package igsend

import (
	"cmp"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
)

// maxMessageLength is how many characters of IGSend's own text are kept.
const maxMessageLength = 200

// spellings returns every form in which the keys travel or could come back, the
// longest first, so that a key that is part of another leaves nothing behind.
func (k Keys) spellings() []string {
	var all []string
	for _, s := range []string{k.basic(), k.Private, k.Public} {
		all = append(all, s, url.QueryEscape(s), url.PathEscape(s), base64.StdEncoding.EncodeToString([]byte(s)))
	}
	all = slices.DeleteFunc(all, func(s string) bool { return s == "" })
	slices.SortStableFunc(all, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return all
}

// clean prepares a text from the network for people: keys replaced, then cut, in
// this order, since half a key is a secret too.
func (k Keys) clean(text string) string {
	for _, s := range k.spellings() {
		text = strings.ReplaceAll(text, s, redacted)
	}
	if characters := []rune(text); len(characters) > maxMessageLength {
		text = string(characters[:maxMessageLength])
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// isIn reports whether text holds a key in any spelling. Case does not matter,
// because a state is folded before it becomes a label.
func (k Keys) isIn(text string) bool {
	if text == "" || text == StateInCredit {
		return false
	}
	lower := strings.ToLower(text)
	return slices.ContainsFunc(k.spellings(), func(s string) bool { return strings.Contains(lower, strings.ToLower(s)) })
}
