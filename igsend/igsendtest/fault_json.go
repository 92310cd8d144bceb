package igsendtest

import (
	"bytes"
	"net/http"
	"regexp"
)

// NullBody answers 200 with the JSON document null.
func NullBody(w http.ResponseWriter, _ *http.Request, _ Answer) {
	Answer{http.StatusOK, []byte("null")}.write(w)
}

// BOM gives the documented answer behind a UTF-8 byte order mark.
func BOM(w http.ResponseWriter, r *http.Request, documented Answer) {
	Rewrite(func(body []byte) []byte { return append([]byte("\ufeff"), body...) })(w, r, documented)
}

// TwoDocuments gives the documented body twice in one answer.
func TwoDocuments(w http.ResponseWriter, r *http.Request, documented Answer) {
	Rewrite(func(body []byte) []byte { return bytes.Repeat(body, 2) })(w, r, documented)
}

// DuplicateKey gives the documented answer with a second AccountBalance in every
// row, which another parser may prefer to the first.
func DuplicateKey(w http.ResponseWriter, r *http.Request, documented Answer) {
	replace(`"AccountBalance": `, `"AccountBalance": "1", "AccountBalance": `)(w, r, documented)
}

// KeysInOtherCase gives the documented answer with every key in lower case.
func KeysInOtherCase(w http.ResponseWriter, r *http.Request, documented Answer) {
	key := regexp.MustCompile(`"[A-Za-z ]+":`)
	Rewrite(func(body []byte) []byte { return key.ReplaceAllFunc(body, bytes.ToLower) })(w, r, documented)
}

// NumbersForStrings gives the documented answer with numbers where the documentation
// shows strings, and the reverse: a balance that is not a number becomes bad JSON.
func NumbersForStrings(w http.ResponseWriter, r *http.Request, documented Answer) {
	toNumber := regexp.MustCompile(`("AccountBalance": )"([^"]*)"`)
	toString := regexp.MustCompile(`("(?:status|MessageID|ClientID)": )([0-9]+)`)
	Rewrite(func(body []byte) []byte {
		return toString.ReplaceAll(toNumber.ReplaceAll(body, []byte("$1$2")), []byte(`$1"$2"`))
	})(w, r, documented)
}

// InvalidUTF8 gives the documented answer with Message and every state behind bytes
// that are not UTF-8.
func InvalidUTF8(w http.ResponseWriter, r *http.Request, documented Answer) {
	replace(`"Message": "`, "\"Message\": \"\xff\xfe",
		`"Balance State": "`, "\"Balance State\": \"\xc3\x28\x80")(w, r, documented)
}

// replace gives the documented answer with texts replaced: old, new, old, new….
func replace(oldnew ...string) Fault {
	return Rewrite(func(body []byte) []byte {
		for i := 0; i < len(oldnew); i += 2 {
			body = bytes.ReplaceAll(body, []byte(oldnew[i]), []byte(oldnew[i+1]))
		}
		return body
	})
}
