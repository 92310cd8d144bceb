package igsendtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// A Client is what the API answers for one client, and how long the answer takes. It has
// one row for each currency.
type Client struct {
	Rows []Row
	// Latency is the time between a call and its answer. If it is 0, the API's latency
	// is used.
	Latency time.Duration
}

// A Row is one entry of tableRes. Its fields are written as documented: the balance is
// always a JSON string.
type Row struct {
	Balance  string
	Currency string
	State    string // "" means IN_CREDIT
	// Raw replaces the values of fields with raw JSON, or leaves fields out if the value
	// is [Omit]. The keys are the documented names: ClientID, AccountBalance, Status,
	// Balance Currency, Balance State. Other names add fields after those.
	Raw map[string]string
}

// Omit is the value in [Row.Raw] that leaves a field out.
const Omit = ""

func (c Client) clone() Client {
	c.Rows = slices.Clone(c.Rows)
	for i := range c.Rows {
		c.Rows[i].Raw = maps.Clone(c.Rows[i].Raw)
	}
	return c
}

// render returns the answer for the client, in the form that IGSend's documentation of the
// Client Balance method shows.
func (c Client) render(id igsend.ClientID) []byte {
	b := []byte(`{"coreRes": {"status": 1, "Message": "Client Balance successfully retrieved.", "MessageID": 10010}, "tableRes": `)
	return append(c.appendRows(b, id), '}')
}

func (c Client) appendRows(b []byte, id igsend.ClientID) []byte {
	b = append(b, '[')
	for i, row := range c.Rows {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = row.append(b, id)
	}
	return append(b, ']')
}

func (r Row) append(b []byte, id igsend.ClientID) []byte {
	state := r.State
	if state == "" {
		state = "IN_CREDIT"
	}
	fields := []struct{ name, value string }{
		{"ClientID", id.String()},
		{"AccountBalance", quote(r.Balance)},
		{"Status", `"success"`},
		{"Balance Currency", quote(r.Currency)},
		{"Balance State", quote(state)},
	}
	extra := maps.Clone(r.Raw)
	separator := "{"
	for _, f := range fields {
		if raw, ok := r.Raw[f.name]; ok {
			f.value = raw
			delete(extra, f.name)
		}
		if f.value != Omit {
			b = fmt.Appendf(b, `%s"%s": %s`, separator, f.name, f.value)
			separator = ", "
		}
	}
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		b = fmt.Appendf(b, `%s%s: %s`, separator, quote(name), extra[name])
		separator = ", "
	}
	if separator == "{" {
		b = append(b, separator...)
	}
	return append(b, '}')
}

// quote returns s as a JSON string. It escapes only what must be escaped.
func quote(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(fmt.Sprintf("igsendtest: encoding a string as JSON: %v", err))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// unknownClient returns the documented failure for a client that IGSend doesn't know.
func unknownClient() Answer {
	return Answer{Status: http.StatusOK, Body: rejection(10009, "Data Validation Failed. Account Number was not available for this client.")}
}

func rejection(messageID int, message string) []byte {
	return fmt.Appendf(nil, `{"coreRes": {"status": 2, "Message": %s, "MessageID": %d}}`, quote(message), messageID)
}
