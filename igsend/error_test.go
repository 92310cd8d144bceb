package igsend_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

func TestErrorText(t *testing.T) {
	for want, err := range map[string]igsend.Error{
		"timeout":                    {Reason: igsend.ReasonTimeout},
		"client 100045: timeout":     {Reason: igsend.ReasonTimeout, ClientID: 100045},
		"client 1: network: EOF":     {Reason: igsend.ReasonNetwork, ClientID: 1, Err: io.EOF},
		"http (HTTP status 500)":     {Reason: igsend.ReasonHTTP, HTTPStatus: 500},
		"rejected (MessageID 10009)": {Reason: igsend.ReasonRejected, MessageID: 10009},
		`client 1: rejected: row 2: no (HTTP status 200, MessageID 10009, Message "Sorry.\n")`: {
			Reason: igsend.ReasonRejected, ClientID: 1, HTTPStatus: 200, MessageID: 10009, Message: "Sorry.\n", Err: errors.New("row 2: no"),
		},
	} {
		if got := err.Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestErrorUnwraps(t *testing.T) {
	err := fmt.Errorf("scrape: %w", &igsend.Error{Reason: igsend.ReasonNetwork, Err: io.ErrUnexpectedEOF})
	var e *igsend.Error
	if !errors.As(err, &e) || e.Reason != igsend.ReasonNetwork || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v does not unwrap", err)
	}
}
