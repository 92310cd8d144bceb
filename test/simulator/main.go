// Command simulator serves the simulated IGSend API on a free port of loopback, for the end-to-end tests, which are a
// module of their own. It prints its endpoint, then obeys orders, one JSON object a line, until its input ends.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/igsend-exporter/igsend_exporter/igsend"
	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

// An order changes what the API answers from the next request on. A field that is left out changes nothing.
type order struct {
	// Balances are by client, by currency, written as IGSend would.
	Balances map[igsend.ClientID]map[string]string
	// Status is answered to every request in place of the documentation; 0 ends that.
	Status *int
	// Keys are the public and the private key that it accepts.
	Keys *[2]string
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "simulator:", err)
		os.Exit(1)
	}
}

func run(orders io.Reader, out io.Writer) error {
	api := igsendtest.NewServer(igsend.Keys{})
	defer api.Close()
	if _, err := fmt.Fprintln(out, api.Endpoint()); err != nil {
		return err
	}
	decoder := json.NewDecoder(orders)
	decoder.DisallowUnknownFields()
	for {
		var o order
		if err := decoder.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		obey(api, o)
		if _, err := fmt.Fprintln(out, "done"); err != nil {
			return err
		}
	}
}

func obey(api *igsendtest.Server, o order) {
	for id, balances := range o.Balances {
		var rows []igsendtest.Row
		for currency, balance := range balances {
			rows = append(rows, igsendtest.Row{Balance: balance, Currency: currency})
		}
		api.SetClient(id, igsendtest.Client{Rows: rows})
	}
	if o.Keys != nil {
		api.SetKeys(igsend.Keys{Public: o.Keys[0], Private: o.Keys[1]})
	}
	switch {
	case o.Status == nil:
	case *o.Status == 0:
		api.SetFault(nil)
	default:
		api.SetFault(igsendtest.Status(*o.Status))
	}
}
