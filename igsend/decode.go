package igsend

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxRows limits the rows of one answer, because each row becomes a time series. ISO 4217
// lists fewer currencies.
const maxRows = 200

// The documented answer, field by field:
//
//	{"coreRes": {"status": 1, "Message": "Client Balance successfully retrieved.", "MessageID": 10010},
//	 "tableRes": [{"ClientID": 100000, "AccountBalance": "1400000", "Status": "success",
//	               "Balance Currency": "GBP", "Balance State": "IN_CREDIT"}]}
//
// Scalars stay raw, because each may be a string or a number and is checked on its own.
type (
	document struct {
		CoreRes  *core          `json:"coreRes"`
		TableRes tableRes       `json:"tableRes"`
		Unknown  jsontext.Value `json:",embed"`
	}
	core struct {
		Status    jsontext.Value `json:"status"`
		Message   jsontext.Value `json:"Message"`
		MessageID jsontext.Value `json:"MessageID"`
		Unknown   jsontext.Value `json:",embed"`
	}
	row struct {
		ClientID jsontext.Value `json:"ClientID"`
		Balance  jsontext.Value `json:"AccountBalance"`
		Status   jsontext.Value `json:"Status"`
		Currency jsontext.Value `json:"Balance Currency"`
		State    jsontext.Value `json:"Balance State"`
		Unknown  jsontext.Value `json:",embed"`
	}
)

// tableRes holds the rows. It accepts any JSON value, because IGSend does not document
// what the table looks like when a call fails, and a strange table must not hide the
// failure.
type tableRes struct {
	rows  []row
	other bool // anything but a list of at most maxRows objects
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (t *tableRes) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '[' {
		t.other = dec.PeekKind() != 'n'
		return dec.SkipValue()
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != ']' {
		if dec.PeekKind() != '{' || len(t.rows) == maxRows {
			t.other = true
			if err := dec.SkipValue(); err != nil {
				return err
			}
			continue
		}
		t.rows = append(t.rows, row{})
		if err := json.UnmarshalDecode(dec, &t.rows[len(t.rows)-1]); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// A decoder decodes the answer to one request.
type decoder struct {
	id   ClientID
	unit Unit
	keys Keys // must not appear in a label or a log line
}

var utf8BOM = []byte("\xef\xbb\xbf")

// decode decodes the body of a 2xx answer. It returns the balances of the good rows even
// if there is an error, so that a bad row affects its own currency only.
func (d decoder) decode(body []byte) ([]Balance, error) {
	doc, err := d.parse(body)
	if err != nil {
		return nil, err
	}
	if err := d.rejection(doc); err != nil {
		return nil, err
	}
	if err := doc.checkNames(); err != nil {
		return nil, d.malformed(doc, err)
	}
	switch table := doc.TableRes; {
	case table.other:
		return nil, d.malformed(doc, fmt.Errorf("tableRes is not a list of at most %d rows", maxRows))
	case len(table.rows) == 0:
		return nil, d.malformed(doc, errors.New("tableRes has no rows"))
	}
	return d.balances(doc, doc.TableRes.rows)
}

// parse parses the document and checks that it has a status.
func (d decoder) parse(body []byte) (document, error) {
	var doc document
	// The library itself refuses repeated names and trailing data. Invalid UTF-8 is
	// allowed because it does no harm: it makes a number or currency invalid, and in a
	// message it is replaced.
	err := json.Unmarshal(bytes.TrimPrefix(body, utf8BOM), &doc, jsontext.AllowInvalidUTF8(true))
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		// The answer was probably cut off on the way, so another attempt may succeed.
		return document{}, &Error{Reason: ReasonMalformed, Transient: true, Err: errors.New("the JSON ends early")}
	case err != nil:
		// The library's error quotes the answer, which must not be logged.
		return document{}, &Error{Reason: ReasonMalformed, Err: errors.New("not the documented JSON")}
	case doc.CoreRes == nil || isNull(doc.CoreRes.Status):
		return doc, d.malformed(doc, errors.New("coreRes.status is missing"))
	}
	return doc, nil
}

// rejection returns an error if the document says that the call failed.
func (d decoder) rejection(doc document) error {
	if scalar(doc.CoreRes.Status) == "1" {
		return nil
	}
	reason := ReasonRejected
	if unauthorisedAccess.MatchString(scalar(doc.CoreRes.Message)) {
		reason = ReasonUnauthorized
	}
	return d.explain(doc, &Error{Reason: reason})
}

// unauthorisedAccess matches the message for refused keys: "Data validation failed. Info:
// Security Unauthorised Access". Its MessageID is that of every validation failure.
// Source: DisburseCBP.html and DisburseCrossBorderPayment.html on the API's site.
var unauthorisedAccess = regexp.MustCompile(`(?i)unauthori[sz]ed\s+access`)

// balances returns the balances of the good rows. The error is about the first bad row.
func (d decoder) balances(doc document, rows []row) ([]Balance, error) {
	rowsOf := countCurrencies(rows)
	balances := make([]Balance, 0, len(rows))
	var firstBad *Error
	for i := range rows {
		if err := rows[i].checkNames(); err != nil {
			return nil, d.malformed(doc, fmt.Errorf("row %d: %w", i+1, err))
		}
		balance, reason, problem := d.balance(&rows[i])
		if problem == "" && rowsOf[balance.Currency] > 1 {
			reason, problem = ReasonMalformed, "its currency occurs more than once"
		}
		switch {
		case problem == "":
			balances = append(balances, balance)
		case firstBad == nil:
			firstBad = &Error{Reason: reason, Err: fmt.Errorf("row %d: %s", i+1, problem)}
		}
	}
	if firstBad != nil {
		return balances, d.explain(doc, firstBad)
	}
	return balances, nil
}

// countCurrencies counts the rows of each currency. Bad rows count too: when two rows
// have the same currency, neither can be trusted.
func countCurrencies(rows []row) map[string]int {
	if len(rows) == 1 {
		return nil
	}
	count := make(map[string]int, len(rows))
	for i := range rows {
		if currency, ok := parseCurrency(scalar(rows[i].Currency)); ok {
			count[currency]++
		}
	}
	return count
}

// balance returns the balance in one row, or the problem with it. The problem does not
// quote the row, because answers must not be logged.
func (d decoder) balance(r *row) (b Balance, reason Reason, problem string) {
	if scalar(r.ClientID) != d.id.String() {
		return b, ReasonMalformed, "ClientID is not the requested client"
	}
	if !strings.EqualFold(scalar(r.Status), "success") {
		return b, ReasonRejected, "Status is not success"
	}
	currency, ok := parseCurrency(scalar(r.Currency))
	if !ok {
		return b, ReasonMalformed, "Balance Currency is not three letters"
	}
	reported := scalar(r.Balance)
	amount, problem := parseAmount(reported, currency, d.unit)
	if problem != "" {
		return b, ReasonMalformed, problem
	}
	state := scalar(r.State)
	if d.keys.isIn(state) {
		state = ""
	}
	return Balance{Amount: amount, Reported: reported, Currency: currency, State: parseState(state)}, "", ""
}

func (d decoder) malformed(doc document, err error) error {
	return d.explain(doc, &Error{Reason: ReasonMalformed, Err: err})
}

// explain adds IGSend's MessageID and Message to e.
func (d decoder) explain(doc document, e *Error) *Error {
	if doc.CoreRes == nil {
		return e
	}
	// An ID that is not a number is left out: it stays 0. A number could be a key.
	if id := scalar(doc.CoreRes.MessageID); d.keys.clean(id) == id {
		e.MessageID, _ = strconv.ParseInt(id, 10, 64)
	}
	e.Message = d.keys.clean(scalar(doc.CoreRes.Message))
	return e
}

// scalar returns the text of a JSON string or number. It returns "" for anything else;
// the empty string is never valid.
func scalar(v jsontext.Value) string {
	switch v.Kind() {
	case '0':
		return string(v)
	case '"':
		if inner := v[1 : len(v)-1]; !bytes.ContainsRune(inner, '\\') && isASCII(inner) {
			return string(inner)
		}
		text, _ := jsontext.AppendUnquote(nil, v) // the error is about invalid UTF-8, which it has replaced
		return string(text)
	}
	return ""
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

func isNull(v jsontext.Value) bool { return len(v) == 0 || v.Kind() == 'n' }
