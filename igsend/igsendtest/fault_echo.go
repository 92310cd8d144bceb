package igsendtest

import (
	"fmt"
	"net/http"
	"strings"
)

// EchoKeys repeats the credentials of the request, in every spelling, in every part of an
// answer that can hold text: in header fields such as Location, Retry-After and
// Content-Type, in Message, and in rows as balance, currency, state, Status and ClientID.
//
// A client reads the rows if status is 200 and coreStatus is 1. With another coreStatus it
// reads the Message, and with another status the header.
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

// EchoKeysMalformed repeats the credentials of the request as a duplicate JSON key, which
// JSON libraries quote in their errors.
func EchoKeysMalformed(w http.ResponseWriter, r *http.Request, _ Answer) {
	key := quote(credentials(r))
	Answer{http.StatusOK, fmt.Appendf(nil, `{%s: 1, %[1]s: 2}`, key)}.write(w)
}

// EchoKeysNotHTTP repeats the credentials of the request in place of an HTTP status line,
// which HTTP libraries quote in their errors.
func EchoKeysNotHTTP(w http.ResponseWriter, r *http.Request, _ Answer) {
	// If the line contained a space, only the second word would be quoted.
	sendRaw(w, strings.ReplaceAll(credentials(r), " ", "|")+"\r\n\r\n")
}

// credentials returns all forms of the credentials in the request: the Authorization
// header, the keys in it, and their base64 encoding.
func credentials(r *http.Request) string {
	header := r.Header.Get("Authorization")
	public, private, _ := r.BasicAuth()
	return strings.Join([]string{private, public, public + ":" + private, strings.TrimPrefix(header, "Basic "), header}, " ")
}
