package igsend_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/shopspring/decimal"
	"go.uber.org/goleak"

	"github.com/igsend-exporter/igsend_exporter/igsend"
	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var keys = igsend.Keys{Public: "public-key-4f1c", Private: "private/key+9a7e="}

const client igsend.ClientID = 100045

// documented is the answer in IGSend's documentation, for the client of these tests.
const documented = `{"coreRes": {"status": 1, "Message": "Client Balance successfully retrieved.", "MessageID": 10010},
 "tableRes": [{"ClientID": 100045, "AccountBalance": "1400000", "Status": "success",
               "Balance Currency": "GBP", "Balance State": "IN_CREDIT"}]}`

// failed is the failure in IGSend's documentation.
const failed = `{"coreRes": {"status": 2, "Message": "Data Validation Failed. Account Number was not available for this client.", "MessageID": 10009}}`

// refused is how IGSend reports refused keys: the failure, with this message.
func refused(message string) string {
	return fmt.Sprintf(`{"coreRes": {"status": 2, "Message": %q, "MessageID": 10009}}`, message)
}

// table returns an answer with the given rows.
func table(rows ...string) string {
	return `{"coreRes": {"status": 1, "Message": "Client Balance successfully retrieved.", "MessageID": 10010}, "tableRes": [` +
		strings.Join(rows, ", ") + `]}`
}

// row returns a row for the requested client, with balance and currency as raw JSON.
func row(balance, currency string) string {
	return `{"ClientID": 100045, "AccountBalance": ` + balance + `, "Status": "success", "Balance Currency": ` + currency + `, "Balance State": "IN_CREDIT"}`
}

var (
	goodGBP = row(`"10.50"`, `"GBP"`)
	goodEUR = row(`"20"`, `"EUR"`)
)

// currencies returns n good rows, each in a different currency.
func currencies(n int) []string {
	rows := make([]string, n)
	for i := range rows {
		rows[i] = row(`"1"`, fmt.Sprintf("%q", []byte{'A', byte('A' + i/26), byte('A' + i%26)}))
	}
	return rows
}

func balance(reported, currency, state string) igsend.Balance {
	return igsend.Balance{Amount: decimal.RequireFromString(reported), Reported: reported, Currency: currency, State: state}
}

var whole = []igsend.Balance{balance("1400000", "GBP", "IN_CREDIT")}

// An outcome is what a call returned: the balances, and the error's fields and text.
type outcome struct {
	Balances []igsend.Balance
	Err      igsend.Error // without its cause
	Text     string
}

func (o outcome) String() string { return o.Text }

// ask makes one call and checks what must be true of every outcome.
func ask(t *testing.T, c *igsend.Client) outcome {
	t.Helper()
	balances, err := c.Balances(t.Context(), keys, client)
	got := outcome{Balances: balances}
	if err == nil {
		return got
	}
	var e *igsend.Error
	if !errors.As(err, &e) {
		t.Fatalf("the error is a %T, want *igsend.Error", err)
	}
	if e.ClientID != client {
		t.Errorf("the error names client %s, want %s", e.ClientID, client)
	}
	for _, secret := range []string{keys.Public, keys.Private, "cHVibGljLWtleS00ZjFjOn"} { // the last is the beginning of the header
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error contains a key: %s", err)
		}
	}
	got.Err, got.Text = *e, e.Error()
	got.Err.ClientID, got.Err.Err = 0, nil
	return got
}

func newClient(t *testing.T, server *igsendtest.Server, change func(*igsend.Options)) *igsend.Client {
	t.Helper()
	options := igsend.Options{Endpoint: server.Endpoint(), RequestTimeout: 10 * time.Second, TLS: server.TLSClientConfig()}
	if change != nil {
		change(&options)
	}
	c, err := igsend.NewClient(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func compare(t *testing.T, want, got outcome) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(outcome{}, "Text")); diff != "" {
		t.Errorf("(-want +got):\n%s\n%s", diff, got.Text)
	}
}

func reason(r igsend.Reason, status int) outcome {
	return outcome{Err: igsend.Error{Reason: r, HTTPStatus: status}}
}

// with adds IGSend's MessageID and Message to the wanted outcome.
func (o outcome) with(messageID int64, message string) outcome {
	o.Err.MessageID, o.Err.Message = messageID, message
	return o
}

func (o outcome) transient() outcome {
	o.Err.Transient = true
	return o
}

func (o outcome) published(balances ...igsend.Balance) outcome {
	o.Balances = balances
	return o
}

// retrieved adds the MessageID and Message of the documented success, which a bad answer
// may have too.
func (o outcome) retrieved() outcome {
	return o.with(10010, "Client Balance successfully retrieved.")
}

var (
	malformed = reason(igsend.ReasonMalformed, 200)
	rejected  = reason(igsend.ReasonRejected, 200)

	unauthorized = reason(igsend.ReasonUnauthorized, 200)
	gbpOnly      = balance("10.50", "GBP", "IN_CREDIT")
)

// TestAnswers checks what the client makes of the literal bytes of a body.
func TestAnswers(t *testing.T) {
	success := `"coreRes": {"status": 1, "Message": "Client Balance successfully retrieved.", "MessageID": 10010}`
	full := make([]igsend.Balance, 200)
	for i := range full {
		full[i] = balance("1", string([]byte{'A', byte('A' + i/26), byte('A' + i%26)}), "IN_CREDIT")
	}
	for name, test := range map[string]struct {
		body string
		want outcome
	}{
		"200 rows": {table(currencies(200)...), outcome{Balances: full}},

		"the documented answer":  {documented, outcome{Balances: whole}},
		"the documented failure": {failed, rejected.with(10009, "Data Validation Failed. Account Number was not available for this client.")},

		// Accepted differences from the documentation.
		"numbers for strings": {
			`{"coreRes": {"status": 1}, "tableRes": [{"ClientID": 100045, "AccountBalance": 1400000, "Status": "success", "Balance Currency": "GBP", "Balance State": "IN_CREDIT"}]}`,
			outcome{Balances: whole},
		},
		"strings for numbers": {
			`{"coreRes": {"status": "1", "MessageID": "10010"}, "tableRes": [{"ClientID": "100045", "AccountBalance": "1400000", "Status": "success", "Balance Currency": "GBP", "Balance State": "IN_CREDIT"}]}`,
			outcome{Balances: whole},
		},
		"success in another case": {
			table(`{"ClientID": 100045, "AccountBalance": "1400000", "Status": "SUCCESS", "Balance Currency": "GBP", "Balance State": "IN_CREDIT"}`),
			outcome{Balances: whole},
		},
		"unknown fields": {
			`{"took": [1, {"a": null}], "coreRes": {"status": 1, "trace": "x"}, "tableRes": [{"ClientID": 100045, "AccountBalance": "1400000", "Status": "success", "Balance Currency": "GBP", "Balance State": "IN_CREDIT", "Available": "5"}]}`,
			outcome{Balances: whole},
		},
		"a byte order mark":         {"\xef\xbb\xbf" + documented, outcome{Balances: whole}},
		"white space around":        {"\r\n\t " + documented + " \n", outcome{Balances: whole}},
		"escapes in strings":        {table(row(`"\u0031\u0030.50"`, `"\u0047BP"`)), outcome{Balances: []igsend.Balance{gbpOnly}}},
		"two currencies":            {table(goodGBP, goodEUR), outcome{Balances: []igsend.Balance{gbpOnly, balance("20", "EUR", "IN_CREDIT")}}},
		"a lower-case currency":     {table(row(`"10.50"`, `"gbp"`)), outcome{Balances: []igsend.Balance{gbpOnly}}},
		"a currency not in the ISO": {table(row(`"10.50"`, `"ZZZ"`)), outcome{Balances: []igsend.Balance{balance("10.50", "ZZZ", "IN_CREDIT")}}},

		// Balances that are plain decimals, and balances that are not.
		"a negative balance":      {table(row(`"-0.01"`, `"GBP"`)), outcome{Balances: []igsend.Balance{balance("-0.01", "GBP", "IN_CREDIT")}}},
		"zero":                    {table(row(`"0"`, `"GBP"`)), outcome{Balances: []igsend.Balance{balance("0", "GBP", "IN_CREDIT")}}},
		"leading zeros":           {table(row(`"007"`, `"GBP"`)), outcome{Balances: []igsend.Balance{balance("007", "GBP", "IN_CREDIT")}}},
		"40 characters":           {table(row(`"`+strings.Repeat("9", 40)+`"`, `"GBP"`)), outcome{Balances: []igsend.Balance{balance(strings.Repeat("9", 40), "GBP", "IN_CREDIT")}}},
		"41 characters":           {table(row(`"`+strings.Repeat("9", 41)+`"`, `"GBP"`)), malformed.retrieved()},
		"NaN":                     {table(row(`"NaN"`, `"GBP"`)), malformed.retrieved()},
		"Inf":                     {table(row(`"Inf"`, `"GBP"`)), malformed.retrieved()},
		"an exponent":             {table(row(`"1e6"`, `"GBP"`)), malformed.retrieved()},
		"an exponent in a number": {table(row(`1.4e6`, `"GBP"`)), malformed.retrieved()},
		"hex":                     {table(row(`"0x10"`, `"GBP"`)), malformed.retrieved()},
		"a plus sign":             {table(row(`"+10"`, `"GBP"`)), malformed.retrieved()},
		"a thousands separator":   {table(row(`"1,400,000"`, `"GBP"`)), malformed.retrieved()},
		"an underscore":           {table(row(`"1_000"`, `"GBP"`)), malformed.retrieved()},
		"a decimal comma":         {table(row(`"10,50"`, `"GBP"`)), malformed.retrieved()},
		"no digit before":         {table(row(`".5"`, `"GBP"`)), malformed.retrieved()},
		"no digit after":          {table(row(`"5."`, `"GBP"`)), malformed.retrieved()},
		"two points":              {table(row(`"1.2.3"`, `"GBP"`)), malformed.retrieved()},
		"two signs":               {table(row(`"--1"`, `"GBP"`)), malformed.retrieved()},
		"a sign alone":            {table(row(`"-"`, `"GBP"`)), malformed.retrieved()},
		"a space before":          {table(row(`" 10"`, `"GBP"`)), malformed.retrieved()},
		"a newline after":         {table(row(`"10\n"`, `"GBP"`)), malformed.retrieved()},
		"other digits":            {table(row(`"١٠"`, `"GBP"`)), malformed.retrieved()},
		"a currency sign":         {table(row(`"£10"`, `"GBP"`)), malformed.retrieved()},
		"an empty balance":        {table(row(`""`, `"GBP"`)), malformed.retrieved()},
		"a null balance":          {table(row(`null`, `"GBP"`)), malformed.retrieved()},
		"a boolean balance":       {table(row(`true`, `"GBP"`)), malformed.retrieved()},
		"an object as balance":    {table(row(`{"amount": "10"}`, `"GBP"`)), malformed.retrieved()},
		"no balance": {
			table(`{"ClientID": 100045, "Status": "success", "Balance Currency": "GBP", "Balance State": "IN_CREDIT"}`), malformed.retrieved(),
		},

		// Other bad rows.
		"a currency of two letters":  {table(row(`"1"`, `"GB"`)), malformed.retrieved()},
		"a currency of four letters": {table(row(`"1"`, `"GBPP"`)), malformed.retrieved()},
		"a currency with a digit":    {table(row(`"1"`, `"GB1"`)), malformed.retrieved()},
		"a currency with a space":    {table(row(`"1"`, `"GB "`)), malformed.retrieved()},
		"a currency sign as it":      {table(row(`"1"`, `"£"`)), malformed.retrieved()},
		"letters of another script":  {table(row(`"1"`, `"ГБП"`)), malformed.retrieved()},
		"a null currency":            {table(row(`"1"`, `null`)), malformed.retrieved()},
		"a numeric currency":         {table(row(`"1"`, `826`)), malformed.retrieved()},
		"another client":             {table(strings.Replace(goodGBP, "100045", "100046", 1)), malformed.retrieved()},
		"no client":                  {table(strings.Replace(goodGBP, `"ClientID": 100045, `, "", 1)), malformed.retrieved()},
		"a null client":              {table(strings.Replace(goodGBP, "100045", "null", 1)), malformed.retrieved()},
		"a client with a fraction":   {table(strings.Replace(goodGBP, "100045", "100045.0", 1)), malformed.retrieved()},
		"a client with a zero":       {table(strings.Replace(goodGBP, "100045", `"0100045"`, 1)), malformed.retrieved()},
		"a bad row beside a good":    {table(row(`"NaN"`, `"EUR"`), goodGBP), malformed.retrieved().published(gbpOnly)},
		"a good row beside a bad":    {table(goodGBP, row(`""`, `"EUR"`)), malformed.retrieved().published(gbpOnly)},
		"another client beside": {
			table(goodGBP, strings.Replace(goodEUR, "100045", "100046", 1)), malformed.retrieved().published(gbpOnly),
		},
		"a currency twice":                    {table(goodGBP, goodEUR, goodGBP), malformed.retrieved().published(balance("20", "EUR", "IN_CREDIT"))},
		"a currency twice, in two cases":      {table(goodGBP, row(`"1"`, `"gbp"`)), malformed.retrieved()},
		"a currency twice, one of them bad":   {table(goodGBP, row(`"NaN"`, `"GBP"`)), malformed.retrieved()},
		"a currency twice, one of another":    {table(goodGBP, strings.Replace(goodGBP, "100045", "100046", 1)), malformed.retrieved()},
		"201 rows":                            {table(currencies(201)...), malformed.retrieved()},
		"a row that failed":                   {table(strings.Replace(goodGBP, "success", "failed", 1)), rejected.retrieved()},
		"a row that failed beside a good one": {table(strings.Replace(goodEUR, "success", "failed", 1), goodGBP), rejected.retrieved().published(gbpOnly)},
		"a row without a status":              {table(strings.Replace(goodGBP, `"Status": "success", `, "", 1)), rejected.retrieved()},
		"the first bad row gives the reason":  {table(row(`""`, `"EUR"`), strings.Replace(goodGBP, "success", "failed", 1)), malformed.retrieved()},
		"the first failed row gives it too":   {table(strings.Replace(goodGBP, "success", "failed", 1), row(`""`, `"EUR"`)), rejected.retrieved()},
		"a row with the status of the answer": {`{` + success + `, "tableRes": [` + strings.Replace(goodGBP, `"Status"`, `"status"`, 1) + `]}`, malformed.retrieved()},

		// States.
		"a state with spaces and dashes": {table(strings.Replace(goodGBP, "IN_CREDIT", " in-credit now ", 1)), outcome{Balances: []igsend.Balance{balance("10.50", "GBP", "IN_CREDIT_NOW")}}},
		"an overdrawn state":             {table(strings.Replace(goodGBP, "IN_CREDIT", "Overdrawn", 1)), outcome{Balances: []igsend.Balance{balance("10.50", "GBP", "OVERDRAWN")}}},
		"no state":                       {table(strings.Replace(goodGBP, `, "Balance State": "IN_CREDIT"`, "", 1)), outcome{Balances: []igsend.Balance{balance("10.50", "GBP", "UNKNOWN")}}},
		"a null state":                   {table(strings.Replace(goodGBP, `"IN_CREDIT"`, "null", 1)), outcome{Balances: []igsend.Balance{balance("10.50", "GBP", "UNKNOWN")}}},
		"a state of 64 characters":       {table(strings.Replace(goodGBP, "IN_CREDIT", strings.Repeat("A", 64), 1)), outcome{Balances: []igsend.Balance{balance("10.50", "GBP", strings.Repeat("A", 64))}}},
		"a state of 65 characters":       {table(strings.Replace(goodGBP, "IN_CREDIT", strings.Repeat("A", 65), 1)), outcome{Balances: []igsend.Balance{balance("10.50", "GBP", "UNKNOWN")}}},
		"a state of 20 kB":               {table(strings.Replace(goodGBP, "IN_CREDIT", strings.Repeat("A", 20000), 1)), outcome{Balances: []igsend.Balance{balance("10.50", "GBP", "UNKNOWN")}}},
		"a state with quotes":            {table(strings.Replace(goodGBP, "IN_CREDIT", `A\"} 1\nforged 1`, 1)), outcome{Balances: []igsend.Balance{balance("10.50", "GBP", "UNKNOWN")}}},
		"a state that is a key":          {table(strings.Replace(goodGBP, "IN_CREDIT", "public-key-4f1c", 1)), outcome{Balances: []igsend.Balance{balance("10.50", "GBP", "UNKNOWN")}}},
		"a state that is a folded key":   {table(strings.Replace(goodGBP, "IN_CREDIT", "Public Key_4F1C", 1)), outcome{Balances: []igsend.Balance{balance("10.50", "GBP", "UNKNOWN")}}},
		"a state with a key in capitals": {table(strings.Replace(goodGBP, "IN_CREDIT", "for PUBLIC-KEY-4F1C", 1)), outcome{Balances: []igsend.Balance{balance("10.50", "GBP", "UNKNOWN")}}},
		"a state that is not UTF-8":      {table(strings.Replace(goodGBP, "IN_CREDIT", "A\xff", 1)), outcome{Balances: []igsend.Balance{balance("10.50", "GBP", "UNKNOWN")}}},
		"a state that is a number":       {table(strings.Replace(goodGBP, `"IN_CREDIT"`, "1", 1)), outcome{Balances: []igsend.Balance{balance("10.50", "GBP", "UNKNOWN")}}},

		// Answers that are bad as a whole.
		"no rows":                      {table(), malformed.retrieved()},
		"a null table":                 {`{` + success + `, "tableRes": null}`, malformed.retrieved()},
		"no table":                     {`{` + success + `}`, malformed.retrieved()},
		"an object as table":           {`{` + success + `, "tableRes": {}}`, malformed.retrieved()},
		"a row that isn't an object":   {table(goodGBP, `"x"`), malformed.retrieved()},
		"no coreRes":                   {`{"tableRes": [` + goodGBP + `]}`, malformed},
		"a null coreRes":               {`{"coreRes": null, "tableRes": [` + goodGBP + `]}`, malformed},
		"no status":                    {`{"coreRes": {"MessageID": 10010}, "tableRes": [` + goodGBP + `]}`, malformed.with(10010, "")},
		"a null status":                {`{"coreRes": {"status": null}, "tableRes": [` + goodGBP + `]}`, malformed},
		"an empty body":                {``, malformed.transient()},
		"JSON that ends early":         {documented[:200], malformed.transient()},
		"null":                         {`null`, malformed},
		"a list":                       {`[` + documented + `]`, malformed},
		"HTML":                         {`<html><body>Maintenance</body></html>`, malformed},
		"two documents":                {documented + documented, malformed},
		"text after the document":      {documented + "x", malformed},
		"a key twice at the top":       {`{` + success + `, "tableRes": [` + goodGBP + `], "tableRes": [` + goodEUR + `]}`, malformed},
		"a key twice in a row":         {table(strings.Replace(goodGBP, `"Status"`, `"AccountBalance": "1", "Status"`, 1)), malformed},
		"a key twice in unknown parts": {`{"x": {"a": 1, "a": 2}, ` + success + `, "tableRes": [` + goodGBP + `]}`, malformed},
		"keys in another case":         {strings.ToLower(documented), malformed},
		"one key in another case":      {table(strings.Replace(goodGBP, "Balance State", "Balance state", 1)), malformed.retrieved()},
		"a key in two cases":           {table(strings.Replace(goodGBP, `"Status"`, `"accountBalance": "1", "Status"`, 1)), malformed.retrieved()},
		"nested without end":           {strings.Repeat("[", 100_000), malformed},
		"nested deep":                  {`{"x": ` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `, ` + success + `, "tableRes": [` + goodGBP + `]}`, malformed},
		"1 MiB":                        {documented + strings.Repeat(" ", 1<<20-len(documented)), outcome{Balances: whole}},
		"more than 1 MiB":              {documented + strings.Repeat(" ", 1<<20-len(documented)+1), malformed},

		// Rejections.
		"refused keys":           {refused("Data validation failed. Info: Security Unauthorised Access"), unauthorized.with(10009, "Data validation failed. Info: Security Unauthorised Access")},
		"refused keys with z":    {refused("SECURITY UNAUTHORIZED ACCESS"), unauthorized.with(10009, "SECURITY UNAUTHORIZED ACCESS")},
		"refused, said late":     {refused(strings.Repeat("x", 250) + " unauthorised access"), unauthorized.with(10009, strings.Repeat("x", 200))},
		"refused with rows":      {strings.Replace(table(goodGBP), `"status": 1, "Message": "`, `"status": 2, "Message": "Unauthorised access. `, 1), unauthorized.with(10010, "Unauthorised access. Client Balance successfully retrieved.")},
		"authorised access":      {refused("Authorised access is not the trouble"), rejected.with(10009, "Authorised access is not the trouble")},
		"success, but it warns":  {strings.Replace(table(goodGBP), "Client Balance", "No unauthorised access. Client Balance", 1), outcome{Balances: []igsend.Balance{gbpOnly}}},
		"status 0":               {`{"coreRes": {"status": 0}, "tableRes": [` + goodGBP + `]}`, rejected},
		"status 2 in a string":   {`{"coreRes": {"status": "2", "MessageID": "10009"}}`, rejected.with(10009, "")},
		"status true":            {`{"coreRes": {"status": true}, "tableRes": [` + goodGBP + `]}`, rejected},
		"status 1.5":             {`{"coreRes": {"status": 1.5}, "tableRes": [` + goodGBP + `]}`, rejected},
		"rejected with rows":     {`{"coreRes": {"status": 2, "Message": "no"}, "tableRes": [` + goodGBP + `]}`, rejected.with(0, "no")},
		"rejected with a string": {`{"coreRes": {"status": 2}, "tableRes": ""}`, rejected},
		"a long message":         {`{"coreRes": {"status": 2, "Message": "` + strings.Repeat("é", 300) + `"}}`, rejected.with(0, strings.Repeat("é", 200))},
		"a message with keys": {
			`{"coreRes": {"status": 2, "Message": "user public-key-4f1c, password private/key+9a7e=, cHVibGljLWtleS00ZjFjOnByaXZhdGUva2V5KzlhN2U9, private%2Fkey%2B9a7e%3D"}}`,
			rejected.with(0, "user [redacted], password [redacted], [redacted], [redacted]"),
		},
		"a key across the cut": {
			`{"coreRes": {"status": 2, "Message": "` + strings.Repeat("x", 195) + `private/key+9a7e="}}`,
			rejected.with(0, strings.Repeat("x", 195)+"[reda"),
		},
		"a MessageID that is text": {`{"coreRes": {"status": 2, "MessageID": "private/key+9a7e="}}`, rejected},
	} {
		t.Run(name, func(t *testing.T) {
			server := igsendtest.NewServer(keys)
			defer server.Close()
			server.SetFault(igsendtest.StatusBody(200, test.body))
			compare(t, test.want, ask(t, newClient(t, server, nil)))
		})
	}
}

// TestStatus checks what depends on the HTTP status, and what does not.
func TestStatus(t *testing.T) {
	body := igsendtest.StatusBody
	for name, test := range map[string]struct {
		fault igsendtest.Fault
		want  outcome
	}{
		"101": {
			func(w http.ResponseWriter, r *http.Request, documented []byte) {
				w.Header().Set("Connection", "Upgrade")
				w.Header().Set("Upgrade", "websocket")
				w.WriteHeader(http.StatusSwitchingProtocols)
				_ = http.NewResponseController(w).Flush() // the status is what matters
				igsendtest.Hang(w, r, documented)
			}, reason(igsend.ReasonHTTP, 101),
		},
		"201":                      {body(201, documented), outcome{Balances: whole}},
		"204":                      {igsendtest.Status(204), reason(igsend.ReasonMalformed, 204).transient()},
		"400":                      {igsendtest.Status(400), reason(igsend.ReasonHTTP, 400)},
		"401":                      {igsendtest.Status(401), reason(igsend.ReasonUnauthorized, 401)},
		"401 with words":           {body(401, failed), reason(igsend.ReasonUnauthorized, 401).with(10009, "Data Validation Failed. Account Number was not available for this client.")},
		"401 with balances":        {body(401, documented), reason(igsend.ReasonUnauthorized, 401).retrieved()},
		"403":                      {igsendtest.Status(403), reason(igsend.ReasonUnauthorized, 403)},
		"404":                      {igsendtest.Status(404), reason(igsend.ReasonHTTP, 404)},
		"429":                      {igsendtest.Status(429), reason(igsend.ReasonRateLimited, 429)},
		"429 with balances":        {body(429, documented), reason(igsend.ReasonRateLimited, 429).retrieved()},
		"500 with balances":        {body(500, documented), reason(igsend.ReasonHTTP, 500).retrieved()},
		"500 with HTML":            {body(500, "<html>"), reason(igsend.ReasonHTTP, 500)},
		"502":                      {igsendtest.Status(502), reason(igsend.ReasonHTTP, 502).transient()},
		"503":                      {igsendtest.Status(503), reason(igsend.ReasonHTTP, 503).transient()},
		"504":                      {igsendtest.Status(504), reason(igsend.ReasonHTTP, 504).transient()},
		"501":                      {igsendtest.Status(501), reason(igsend.ReasonHTTP, 501)},
		"rejected with 400":        {body(400, failed), reason(igsend.ReasonRejected, 400).with(10009, "Data Validation Failed. Account Number was not available for this client.")},
		"rejected with 503":        {body(503, failed), reason(igsend.ReasonRejected, 503).with(10009, "Data Validation Failed. Account Number was not available for this client.")},
		"rejected with a redirect": {body(302, failed), reason(igsend.ReasonRejected, 302).with(10009, "Data Validation Failed. Account Number was not available for this client.")},
		"refused keys with 400":    {body(400, refused("Unauthorised access")), reason(igsend.ReasonUnauthorized, 400).with(10009, "Unauthorised access")},
		"refused keys with 503":    {body(503, refused("Unauthorised access")), reason(igsend.ReasonUnauthorized, 503).with(10009, "Unauthorised access")},
		"refused keys with a 302":  {body(302, refused("Unauthorised access")), reason(igsend.ReasonUnauthorized, 302).with(10009, "Unauthorised access")},
		"refused keys with 429":    {body(429, refused("Unauthorised access")), reason(igsend.ReasonRateLimited, 429).with(10009, "Unauthorised access")},
		"gzip":                     {igsendtest.Gzip(igsendtest.Documented), outcome{Balances: whole}},
		"gzip that ends early":     {igsendtest.GzipTruncated, malformed.transient()},
		"gzip that isn't":          {igsendtest.WithHeader("Content-Encoding", "gzip", igsendtest.Documented), malformed},
		"another encoding":         {igsendtest.WithHeader("Content-Encoding", "br", igsendtest.Documented), malformed},
		"a gzip bomb":              {igsendtest.Gzip(igsendtest.Huge(4 << 20)), malformed},
		"a body of 200 MB":         {igsendtest.Huge(200 << 20), malformed},
	} {
		t.Run(name, func(t *testing.T) {
			server := igsendtest.NewServer(keys)
			defer server.Close()
			server.SetClient(client, igsendtest.Client{Rows: []igsendtest.Row{{Balance: "1400000", Currency: "GBP"}}})
			server.SetFault(test.fault)
			compare(t, test.want, ask(t, newClient(t, server, nil)))
		})
	}
}

func TestRetryAfter(t *testing.T) {
	date := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	for name, test := range map[string]struct {
		header   string
		min, max time.Duration
	}{
		"none":              {"", 0, 0},
		"seconds":           {"7", 7 * time.Second, 7 * time.Second},
		"zero":              {"0", 0, 0},
		"negative":          {"-7", 0, 0},
		"a fraction":        {"0.5", 0, 0},
		"text":              {"soon", 0, 0},
		"more than 5 min":   {"301", 5 * time.Minute, 5 * time.Minute},
		"far beyond":        {strings.Repeat("9", 30), 5 * time.Minute, 5 * time.Minute},
		"a date":            {date(time.Minute), 30 * time.Second, time.Minute},
		"a date gone by":    {date(-time.Minute), 0, 0},
		"a date far beyond": {date(time.Hour), 5 * time.Minute, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			server := igsendtest.NewServer(keys)
			defer server.Close()
			server.SetFault(igsendtest.WithHeader("Retry-After", test.header, igsendtest.Status(429)))
			got := ask(t, newClient(t, server, nil)).Err.RetryAfter
			if got < test.min || got > test.max {
				t.Errorf("got %s, want %s to %s", got, test.min, test.max)
			}
		})
	}
}

// TestFaultsOnTheWay covers requests that never get a complete HTTP answer.
func TestFaultsOnTheWay(t *testing.T) {
	plain := func(fault igsendtest.Fault) func() *igsendtest.Server {
		return func() *igsendtest.Server {
			server := igsendtest.NewServer(keys)
			server.SetClient(client, igsendtest.Client{Rows: []igsendtest.Row{{Balance: "1", Currency: "GBP"}}})
			server.SetFault(fault)
			return server
		}
	}
	overTLS := func(handshake func(*tls.ClientHelloInfo) (*tls.Config, error)) func() *igsendtest.Server {
		return func() *igsendtest.Server {
			server := igsendtest.NewTLSServer(keys)
			server.SetHandshake(handshake)
			return server
		}
	}
	network, timeout, badTLS := reason(igsend.ReasonNetwork, 0).transient(), reason(igsend.ReasonTimeout, 0), reason(igsend.ReasonTLS, 0)
	cutOff := reason(igsend.ReasonNetwork, 200).transient()
	short := func(o *igsend.Options) { o.RequestTimeout = 50 * time.Millisecond }
	for name, test := range map[string]struct {
		server func() *igsendtest.Server
		change func(*igsend.Options)
		want   outcome
	}{
		"closed before the answer":    {plain(igsendtest.CloseBeforeAnswer), nil, network},
		"reset":                       {plain(igsendtest.Reset), nil, cutOff},
		"a body shorter than said":    {plain(igsendtest.TruncatedLength), nil, cutOff},
		"a body without a last chunk": {plain(igsendtest.TruncatedChunk), nil, cutOff},
		"not HTTP":                    {plain(igsendtest.Raw("SSH-2.0-OpenSSH_9.2\r\n\x00\x01\x02\xff\r\n\r\n")), nil, network},
		"a flood of headers":          {plain(igsendtest.HeaderFlood(1 << 10)), nil, network},
		"no answer":                   {plain(igsendtest.Hang), short, timeout},
		"slow headers":                {plain(igsendtest.SlowHeaders(20 * time.Millisecond)), short, timeout},
		"a byte at a time":            {plain(igsendtest.Drip(20 * time.Millisecond)), short, reason(igsend.ReasonTimeout, 200)},
		"no name": {
			plain(nil), func(o *igsend.Options) { o.Endpoint = "http://igsend.invalid/services/clientbalance/" }, network,
		},
		"nobody listens": {
			plain(nil), func(o *igsend.Options) { o.Endpoint = "http://127.0.0.1:1/services/clientbalance/" }, network,
		},
		"an expired certificate": {overTLS(nil), func(o *igsend.Options) {
			o.TLS.Time = func() time.Time { return time.Now().AddDate(100, 0, 0) }
		}, badTLS},
		"another host's certificate": {overTLS(nil), func(o *igsend.Options) { o.TLS.ServerName = "api.igsend.co.uk" }, badTLS},
		"a handshake that is cut":    {overTLS(igsendtest.HandshakeCloses), nil, badTLS},
		"a handshake without end":    {overTLS(igsendtest.HandshakeHangs), short, timeout},
		"an authority unknown here":  {overTLS(nil), func(o *igsend.Options) { o.TLS = nil }, badTLS},
		"HTTP where TLS was expected": {
			plain(nil), func(o *igsend.Options) { o.Endpoint = strings.Replace(o.Endpoint, "http:", "https:", 1) }, badTLS,
		},
		"a version too old": {overTLS(nil), func(o *igsend.Options) {
			o.TLS = o.TLS.Clone()
			o.TLS.MinVersion, o.TLS.MaxVersion = tls.VersionTLS10, tls.VersionTLS10
		}, badTLS},
	} {
		t.Run(name, func(t *testing.T) {
			server := test.server()
			defer server.Close()
			compare(t, test.want, ask(t, newClient(t, server, test.change)))
		})
	}
}

func TestWhoeverAskedHasGone(t *testing.T) {
	for name, test := range map[string]struct {
		cause error
		want  igsend.Reason
	}{
		"a hang-up":  {nil, igsend.ReasonCanceled},
		"a deadline": {context.DeadlineExceeded, igsend.ReasonTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			server := igsendtest.NewServer(keys)
			defer server.Close()
			ctx, cancel := context.WithCancelCause(t.Context())
			server.SetFault(func(w http.ResponseWriter, r *http.Request, documented []byte) {
				cancel(test.cause)
				igsendtest.Hang(w, r, documented)
			})
			_, err := newClient(t, server, nil).Balances(ctx, keys, client)
			var e *igsend.Error
			if !errors.As(err, &e) || e.Reason != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}
