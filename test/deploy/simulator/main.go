// The simulator serves a simulated IGSend API over TLS in a process of its own, for
// the checks of images, packages and units, and writes what an exporter needs to ask
// it into a directory: igsend.yml and the keys as they are deployed, and the
// certificate to trust as ca.pem. The configuration doesn't name that certificate:
// it has to be found where the system keeps those that it trusts.
package main

import (
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/igsend-exporter/igsend_exporter/igsend"
	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

const configuration = `api:
  endpoint: %s
  public_key_file: public.key
  private_key_file: private.key
clients:
- id: 100045
  name: Payroll
`

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: simulator DIRECTORY")
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	if err := serve(os.Args[1], stop); err != nil {
		log.Fatal(err)
	}
}

func serve(dir string, stop <-chan os.Signal) error {
	keys := igsend.Keys{Public: "check-public-key", Private: "check-private-key"}
	api := igsendtest.NewTLSServer(keys)
	defer api.Close()
	api.SetClient(100045, igsendtest.Client{Rows: []igsendtest.Row{{Balance: "1400000", Currency: "GBP"}}})

	for _, file := range []struct {
		name    string
		content string
		mode    os.FileMode
	}{
		{"ca.pem", string(api.CertificatePEM()), 0o644},
		{"public.key", keys.Public + "\n", 0o600},
		{"private.key", keys.Private + "\n", 0o600},
		{"igsend.yml", fmt.Sprintf(configuration, api.Endpoint()), 0o644}, // last: who waits for it finds the others
	} {
		if err := os.WriteFile(filepath.Join(dir, file.name), []byte(file.content), file.mode); err != nil {
			return err
		}
	}
	<-stop
	return nil
}
