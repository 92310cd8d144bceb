package igsend

import (
	"cmp"
	"encoding/base64"
	"html"
	"net/url"
	"regexp"
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
		all = append(all, s, url.QueryEscape(s), url.PathEscape(s), html.EscapeString(s),
			base64.StdEncoding.EncodeToString([]byte(s)), base64.RawStdEncoding.EncodeToString([]byte(s)),
			base64.URLEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s)))
	}
	all = slices.DeleteFunc(all, func(s string) bool { return s == "" })
	slices.SortStableFunc(all, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return all
}

// clean prepares a text from the network for people: keys replaced, in any case, then
// cut, in this order, since half a key is a secret too.
func (k Keys) clean(text string) string {
	if all := k.spellings(); len(all) > 0 {
		for i := range all {
			all[i] = regexp.QuoteMeta(all[i])
		}
		text = regexp.MustCompile("(?i)"+strings.Join(all, "|")).ReplaceAllLiteralString(text, redacted)
	}
	if characters := []rune(text); len(characters) > maxMessageLength {
		text = string(characters[:maxMessageLength])
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// isIn reports whether text holds a key in any spelling, folded as a state is before
// it becomes a label.
func (k Keys) isIn(text string) bool {
	if text == "" || text == StateInCredit {
		return false
	}
	folded := foldState(text)
	return slices.ContainsFunc(k.spellings(), func(s string) bool { return strings.Contains(folded, foldState(s)) })
}
