package igsendtest

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// A Client is what the API answers for one client: a row for each currency.
type Client struct {
	Rows []Row
	// Fault answers in place of the rows. It takes precedence over the fault for all
	// clients: with [Documented], the client gets normal answers. With [Refused], the
	// keys have no access to the client.
	Fault Fault
}

// A Row is one entry of tableRes. All fields are JSON strings in the answer, as documented.
type Row struct {
	Balance  string
	Currency string
	State    string // "" means IN_CREDIT
}

// render returns the answer for the client, in the form that IGSend's documentation of the
// Client Balance method shows.
func (c Client) render(id igsend.ClientID) string {
	rows := make([]string, len(c.Rows))
	for i, row := range c.Rows {
		if row.State == "" {
			row.State = "IN_CREDIT"
		}
		rows[i] = fmt.Sprintf(`{"ClientID": %d, "AccountBalance": %s, "Status": "success", "Balance Currency": %s, "Balance State": %s}`,
			id, quote(row.Balance), quote(row.Currency), quote(row.State))
	}
	return `{"coreRes": {"status": 1, "Message": "Client Balance successfully retrieved.", "MessageID": 10010}, "tableRes": [` +
		strings.Join(rows, ", ") + `]}`
}

// unknownClient is the documented failure for a client that IGSend doesn't know.
const unknownClient = `{"coreRes": {"status": 2, "Message": "Data Validation Failed. Account Number was not available for this client.", "MessageID": 10009}}`

// quote returns s as a JSON string.
func quote(s string) string {
	b, _ := json.Marshal(s) // never fails for a string
	return string(b)
}
