package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/shopspring/decimal"

	"github.com/igsend-exporter/igsend_exporter/collector"
	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// printBalances asks for the clients with the given IDs, or for all configured ones, by the
// same rules as a scrape. It prints their balances, and for each client without a complete
// answer the reason.
func printBalances(ctx context.Context, source settingsSource, ids []string, output string, stdout, stderr io.Writer) error {
	if source.file == "" && len(source.clientIDs) == 0 {
		source.clientIDs = ids
	}
	settings, err := interruptible(ctx, source.load)
	if err != nil {
		return err
	}
	if settings.Config, err = withClients(settings.Config, ids); err != nil {
		return err
	}
	answers, interrupted := ask(ctx, settings, stderr)
	lines := balanceLines(answers, settings.Config)
	write := map[string]func(io.Writer, []balanceLine) error{"table": printTable, "json": printJSON, "csv": printCSV}[output]
	if err := cmp.Or(write(stdout, lines), interrupted); err != nil {
		return err
	}
	if slices.ContainsFunc(lines, func(l balanceLine) bool { return l.Error != nil }) {
		return errReported
	}
	return nil
}

// ask asks for every client. If ctx is done first, the error says how many had answered.
func ask(ctx context.Context, settings collector.Settings, stderr io.Writer) ([]collector.Answer, error) {
	p := &progress{API: settings.API, clients: len(settings.Config.Clients), done: map[igsend.ClientID]bool{}}
	settings.API = p
	fetcher := collector.NewFetcher(settings, slog.New(slog.DiscardHandler)) // failures are printed with the answers
	defer fetcher.Close()
	if isTerminal(stderr) {
		defer p.show(stderr)()
	}
	answers := fetcher.Fetch(ctx)
	answered := len(answers)
	for i, answer := range answers {
		if answer.Err != nil && answer.Err.Reason == igsend.ReasonCanceled {
			answers[i].Err = &igsend.Error{ClientID: answer.ClientID, Reason: igsend.ReasonCanceled, Err: errors.New("interrupted")}
			answered--
		}
	}
	if answered < len(answers) {
		return answers, fmt.Errorf("interrupted: %d of %d clients had answered", answered, len(answers))
	}
	return answers, nil
}

// withClients returns cfg with only the clients in ids, or cfg itself if there are no ids.
// Configured clients keep their names.
func withClients(cfg *config.Config, ids []string) (*config.Config, error) {
	if len(ids) == 0 {
		return cfg, nil
	}
	configured := map[igsend.ClientID]config.Client{}
	for _, client := range cfg.Clients {
		configured[client.ID] = client
	}
	selected := *cfg
	selected.Clients = nil
	seen := map[igsend.ClientID]bool{}
	for _, text := range ids {
		id, err := igsend.ParseClientID(text)
		if err != nil {
			return nil, err
		}
		if seen[id] {
			continue
		}
		seen[id] = true
		selected.Clients = append(selected.Clients, config.Client{ID: id, Name: configured[id].Name})
	}
	return &selected, nil
}

// A balanceLine is one balance, or the failure of one client.
type balanceLine struct {
	ClientID igsend.ClientID `json:"client_id"`
	Name     string          `json:"name,omitempty"`
	Balance  string          `json:"balance,omitempty"` // in the currency's major unit
	Currency string          `json:"currency,omitempty"`
	State    string          `json:"state,omitempty"`
	Reported string          `json:"reported,omitempty"` // the balance as IGSend wrote it
	Time     time.Time       `json:"time"`
	Error    *balanceError   `json:"error,omitempty"`
}

type balanceError struct {
	Reason     igsend.Reason `json:"reason"`
	HTTPStatus int           `json:"http_status,omitempty"`
	MessageID  int64         `json:"message_id,omitempty"`
	Message    string        `json:"message,omitempty"` // IGSend's message
	Text       string        `json:"text"`
}

func balanceLines(answers []collector.Answer, cfg *config.Config) []balanceLine {
	lines := []balanceLine{}
	for i, answer := range answers {
		client := balanceLine{ClientID: answer.ClientID, Name: cfg.Clients[i].Name, Time: answer.At.UTC().Truncate(time.Second)}
		for _, balance := range answer.Balances {
			line := client
			line.Balance = balance.Amount.StringFixed(-balance.Amount.Exponent()) // keeps trailing zeros
			line.Currency, line.State, line.Reported = balance.Currency, balance.State, balance.Reported
			lines = append(lines, line)
		}
		if err := answer.Err; err != nil {
			client.Error = &balanceError{err.Reason, err.HTTPStatus, err.MessageID, err.Message, err.Error()}
			lines = append(lines, client)
		}
	}
	return lines
}

func printJSON(w io.Writer, lines []balanceLine) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(lines)
}

// rows returns a row of column names and then one row for each line. It applies escape to
// every cell.
func rows(lines []balanceLine, escape func(string) string) [][]string {
	all := [][]string{{"client", "name", "balance", "currency", "state", "reported", "time", "error"}}
	for _, l := range lines {
		problem := ""
		if l.Error != nil {
			problem = l.Error.Text
		}
		cells := []string{l.ClientID.String(), l.Name, l.Balance, l.Currency, l.State, l.Reported, l.Time.Format(time.RFC3339), problem}
		for i := range cells {
			cells[i] = escape(cells[i])
		}
		all = append(all, cells)
	}
	return all
}

func printTable(w io.Writer, lines []balanceLine) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i, cells := range rows(lines, tableText) {
		row := strings.Join(cells, "\t")
		if i == 0 {
			row = strings.ToUpper(row)
		}
		fmt.Fprintln(table, row)
	}
	return table.Flush()
}

// tableText returns a dash for an empty text. It quotes a text that would break the line or
// control the terminal.
func tableText(s string) string {
	switch {
	case s == "":
		return "-"
	case strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }):
		return strconv.Quote(s)
	}
	return s
}

func printCSV(w io.Writer, lines []balanceLine) error {
	return csv.NewWriter(w).WriteAll(rows(lines, csvText))
}

// csvText puts an apostrophe before a text that a spreadsheet would take for a formula.
// It does not change numbers.
func csvText(s string) string {
	if _, err := decimal.NewFromString(s); err == nil || !strings.ContainsAny(s[:min(len(s), 1)], "=+-@\t\r") {
		return s
	}
	return "'" + s
}
