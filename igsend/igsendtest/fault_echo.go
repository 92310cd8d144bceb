package igsendtest

import (
	"fmt"
	"net/http"
	"strings"
)

// EchoKeys repeats the credentials of the request, in every spelling, wherever an
// answer has room for text: in the header (Location, Retry-After and Content-Type
// among the fields), in Message, and in one row each as balance, currency, state,
// Status and ClientID.
//
// With status 200 and coreStatus 1 the rows are looked at, with another coreStatus
// the Message, with another status the header.
func EchoKeys(status, coreStatus int) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ Answer) {
		echo := credentials(r)
		for _, field := range []string{"Location", "Retry-After", "Content-Type", "WWW-Authenticate", "X-Echo"} {
			w.Header().Set(field, echo)
		}
		id, _ := check(r)
		rows := Client{Rows: []Row{
			{Balance: "1.00", Currency: "GBP", State: echo},
			{Balance: echo, Currency: "EUR"},
			{Balance: "1.00", Currency: echo},
			{Balance: "1.00", Currency: "USD", Raw: map[string]string{"Status": quote(echo)}},
			{Balance: "1.00", Currency: "CHF", Raw: map[string]string{"ClientID": quote(echo)}},
		}}.appendRows(nil, id)
		Answer{status, fmt.Appendf(nil, `{"coreRes": {"status": %d, "Message": %s, "MessageID": 10010}, "tableRes": %s}`,
			coreStatus, quote(echo), rows)}.write(w)
	}
}

// EchoKeysMalformed repeats the credentials of the request as a key that occurs
// twice, which JSON libraries quote in their errors.
func EchoKeysMalformed(w http.ResponseWriter, r *http.Request, _ Answer) {
	key := quote(credentials(r))
	Answer{http.StatusOK, fmt.Appendf(nil, `{%s: 1, %[1]s: 2}`, key)}.write(w)
}

// EchoKeysNotHTTP repeats the credentials of the request as the first line of
// something that is not HTTP, which HTTP libraries quote in their errors.
func EchoKeysNotHTTP(w http.ResponseWriter, r *http.Request, _ Answer) {
	// Without a blank the whole line is quoted, with one the second word alone.
	sendRaw(w, strings.ReplaceAll(credentials(r), " ", "|")+"\r\n\r\n")
}

// credentials returns what the request reveals: the Authorization header, the keys
// in it, and their base64 by itself.
func credentials(r *http.Request) string {
	header := r.Header.Get("Authorization")
	public, private, _ := r.BasicAuth()
	return strings.Join([]string{private, public, public + ":" + private, strings.TrimPrefix(header, "Basic "), header}, " ")
}
