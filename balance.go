package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/igsend-exporter/igsend_exporter/collector"
	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// printBalances asks for the clients with the given IDs, or for the configured ones,
// with all the care of a scrape, and prints what came back: the balances, and for
// each client without a whole answer the reason.
func printBalances(ctx context.Context, source settingsSource, ids []string, output string, stdout io.Writer) error {
	if source.file == "" && len(source.clientIDs) == 0 {
		source.clientIDs = ids
	}
	settings, err := source.load()
	if err != nil {
		return err
	}
	if settings.Config, err = withClients(settings.Config, ids); err != nil {
		return err
	}
	// What goes wrong is printed with the answers.
	fetcher := collector.NewFetcher(settings, slog.New(slog.DiscardHandler))
	defer fetcher.Close()
	lines := balanceLines(fetcher.Fetch(ctx), settings.Config)
	if output == "json" {
		err = printJSON(stdout, lines)
	} else {
		err = printTable(stdout, lines)
	}
	if err != nil {
		return err
	}
	for _, line := range lines {
		if line.Error != nil {
			return errReported
		}
	}
	return nil
}

// withClients returns cfg with the clients named by ids; those that are configured
// keep their names.
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
	Balance  string          `json:"balance,omitempty"` // as IGSend wrote it
	Currency string          `json:"currency,omitempty"`
	State    string          `json:"state,omitempty"`
	Time     time.Time       `json:"time"`
	Error    *balanceError   `json:"error,omitempty"`
}

type balanceError struct {
	Reason     igsend.Reason `json:"reason"`
	HTTPStatus int           `json:"http_status,omitempty"`
	MessageID  int64         `json:"message_id,omitempty"`
	Message    string        `json:"message,omitempty"` // IGSend's own words
	Text       string        `json:"text"`
}

func balanceLines(answers []collector.Answer, cfg *config.Config) []balanceLine {
	lines := []balanceLine{}
	for i, answer := range answers {
		line := balanceLine{ClientID: answer.ClientID, Name: cfg.Clients[i].Name, Time: answer.At.UTC().Truncate(time.Second)}
		for _, balance := range answer.Balances {
			line.Balance, line.Currency, line.State = balance.Reported, balance.Currency, balance.State
			lines = append(lines, line)
		}
		if err := answer.Err; err != nil {
			line.Balance, line.Currency, line.State = "", "", ""
			line.Error = &balanceError{err.Reason, err.HTTPStatus, err.MessageID, err.Message, err.Error()}
			lines = append(lines, line)
		}
	}
	return lines
}

func printJSON(w io.Writer, lines []balanceLine) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(lines)
}

func printTable(w io.Writer, lines []balanceLine) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CLIENT\tNAME\tBALANCE\tCURRENCY\tSTATE\tTIME\tERROR")
	for _, l := range lines {
		problem := "-"
		if l.Error != nil {
			problem = l.Error.Text
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.ClientID, cell(l.Name), cell(l.Balance), cell(l.Currency), cell(l.State),
			l.Time.Format(time.RFC3339), problem)
	}
	return table.Flush()
}

// cell returns a text as it can stand in a table: a dash for none, and in quotes when
// it would break the line or steer the terminal.
func cell(s string) string {
	switch {
	case s == "":
		return "-"
	case strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }):
		return strconv.Quote(s)
	}
	return s
}
