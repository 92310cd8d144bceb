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

// maxMessageLength is how many characters of IGSend's message are kept.
const maxMessageLength = 200

// spellings returns every form in which the keys are sent or could come back. The longest
// come first, because one key may be part of another.
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

// clean makes a text from the network safe to show. It replaces the keys, in upper or
// lower case, and then cuts the text. The order matters: cutting first could leave part
// of a key.
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

// isIn reports whether text contains a key in any spelling. Both are folded first, as a
// state is before it becomes a label.
func (k Keys) isIn(text string) bool {
	if text == "" || text == StateInCredit {
		return false
	}
	folded := foldState(text)
	return slices.ContainsFunc(k.spellings(), func(s string) bool { return strings.Contains(folded, foldState(s)) })
}
