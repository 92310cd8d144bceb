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

// A Client is what IGSend keeps for one client: a row of the answer for every
// currency, and how long an answer takes.
type Client struct {
	Rows []Row
	// Latency is the time between a call and its answer; 0 stands for the API's.
	Latency time.Duration
}

// A Row is one entry of tableRes. Its fields are rendered as the documentation
// shows them: the balance as a string, in quotes, whatever it holds.
type Row struct {
	Balance  string
	Currency string
	State    string // "" is rendered as IN_CREDIT
	// Raw holds JSON to write in place of a field's documented value, or [Omit] to
	// leave the field out, by the field's documented name: ClientID, AccountBalance,
	// Status, Balance Currency, Balance State. Other names become fields after those.
	Raw map[string]string
}

// Omit as a value of [Row.Raw] leaves the field out.
const Omit = ""

func (c Client) clone() Client {
	c.Rows = slices.Clone(c.Rows)
	for i := range c.Rows {
		c.Rows[i].Raw = maps.Clone(c.Rows[i].Raw)
	}
	return c
}

// render returns the documented answer for the client, as it stands in IGSend's
// documentation of the Client Balance method.
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

// quote renders a text as a JSON string that says neither more nor less: nothing is
// escaped that need not be.
func quote(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(fmt.Sprintf("igsendtest: a string that can't be JSON: %v", err))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// unknownClient is the documented failure, for a client that IGSend doesn't know.
func unknownClient() Answer {
	return Answer{Status: http.StatusOK, Body: rejection(10009, "Data Validation Failed. Account Number was not available for this client.")}
}

func rejection(messageID int, message string) []byte {
	return fmt.Appendf(nil, `{"coreRes": {"status": 2, "Message": %s, "MessageID": %d}}`, quote(message), messageID)
}
