// Command simulator serves the simulated IGSend API on a free loopback port. It is a separate process for benchmarks,
// which must not count its CPU time, and for the tests of images, packages and deployments.
//
// It prints its endpoint. Then it reads orders from its standard input, one JSON object per line, and answers each with
// one line that has the counts so far, as JSON. It exits at the end of its input.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/igsend-exporter/igsend_exporter/igsend"
	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

// keys are accepted until an order says otherwise.
var keys = igsend.Keys{Public: "check-public-key", Private: "check-private-key"}

const firstClient igsend.ClientID = 100045

type options struct {
	tls     bool
	clients int
	latency time.Duration
	dir     string
}

func main() {
	var o options
	flag.BoolVar(&o.tls, "tls", false, "speak TLS")
	flag.IntVar(&o.clients, "clients", 0, "how many `clients` there are at first, from 100045 on, with 1400000 GBP each")
	flag.DurationVar(&o.latency, "latency", 0, "how long an answer takes")
	flag.StringVar(&o.dir, "dir", "", "write what an exporter needs into this `directory`: igsend.yml, the keys, and ca.pem with -tls")
	background := flag.Bool("background", false, "take no orders, and serve until SIGTERM or SIGINT")
	flag.Parse()

	orders := io.Reader(os.Stdin)
	if *background {
		orders = untilSignal()
	}
	if err := run(o, orders, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "simulator:", err)
		os.Exit(1)
	}
}

// untilSignal returns an input without orders that ends at a signal.
func untilSignal() io.Reader {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	r, w := io.Pipe()
	go func() {
		<-stop
		_ = w.Close()
	}()
	return r
}

func run(o options, orders io.Reader, out io.Writer) error {
	newServer := igsendtest.NewServer
	if o.tls {
		newServer = igsendtest.NewTLSServer
	}
	api := newServer(keys)
	defer api.Close()
	api.SetFault(igsendtest.Delay(o.latency, igsendtest.Documented))
	api.SetRefusal(igsendtest.Delay(o.latency, igsendtest.Refused))
	for i := range o.clients {
		api.SetClient(firstClient+igsend.ClientID(i), igsendtest.Client{Rows: []igsendtest.Row{{Balance: "1400000", Currency: "GBP"}}})
	}
	if o.dir != "" {
		if err := writeConfiguration(o, api); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintln(out, api.Endpoint()); err != nil {
		return err
	}
	return serve(api, o.latency, orders, out)
}

// writeConfiguration writes the files that an exporter needs. The configuration doesn't name the certificate, because the
// exporter should find it among the system's certificates.
func writeConfiguration(o options, api *igsendtest.Server) error {
	var config strings.Builder
	fmt.Fprintf(&config, "api:\n  endpoint: %s\n  public_key_file: public.key\n  private_key_file: private.key\nclients:\n", api.Endpoint())
	for i := range o.clients {
		fmt.Fprintf(&config, "- id: %d\n  name: Payroll %d\n", firstClient+igsend.ClientID(i), i+1)
	}
	for _, file := range []struct {
		name, content string
		mode          os.FileMode
	}{
		{"ca.pem", string(api.CertificatePEM()), 0o644},
		{"public.key", keys.Public + "\n", 0o600},
		{"private.key", keys.Private + "\n", 0o600},
		{"igsend.yml", config.String(), 0o644}, // last: when it exists, the others do too
	} {
		if file.content == "" {
			continue // nothing to trust without TLS
		}
		if err := os.WriteFile(filepath.Join(o.dir, file.name), []byte(file.content), file.mode); err != nil {
			return err
		}
	}
	return nil
}

// An order changes what the API answers from the next request on. A missing field changes nothing.
type order struct {
	// Balances are by client and currency, written as IGSend would.
	Balances map[igsend.ClientID]map[string]string
	// Status answers every request in place of the documented answer. 0 ends that.
	Status *int
	// Keys are the public and private key that the API accepts.
	Keys *[2]string
}

func serve(api *igsendtest.Server, latency time.Duration, orders io.Reader, out io.Writer) error {
	decoder, answers := json.NewDecoder(orders), json.NewEncoder(out)
	decoder.DisallowUnknownFields()
	for {
		var o order
		if err := decoder.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		obey(api, latency, o)
		if err := answers.Encode(api.Stats()); err != nil {
			return err
		}
	}
}

func obey(api *igsendtest.Server, latency time.Duration, o order) {
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
	if o.Status != nil {
		answer := igsendtest.Fault(igsendtest.Documented)
		if *o.Status != 0 {
			answer = igsendtest.Status(*o.Status)
		}
		api.SetFault(igsendtest.Delay(latency, answer))
	}
}
