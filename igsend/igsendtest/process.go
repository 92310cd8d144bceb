package igsendtest

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// ProcessOptions say what a [Process] serves.
type ProcessOptions struct {
	Clients int // how many, with one balance each
	Latency time.Duration
	TLS     bool
}

// A Process is a [Server] in a process of its own, so that a benchmark of its client
// doesn't count the server's CPU time and memory. It is controlled over the pipes to
// that process and dies with them: it can't outlive its parent.
type Process struct {
	// Endpoint is as [Server.Endpoint].
	Endpoint string
	// CertificatePEM is as [Server.CertificatePEM].
	CertificatePEM []byte
	// ClientIDs are the clients it knows, from 100000 on.
	ClientIDs []igsend.ClientID

	mu     sync.Mutex
	cmd    *exec.Cmd
	stderr bytes.Buffer
	stdin  io.WriteCloser
	stdout *json.Decoder
}

// processVariable in the environment makes ServeIfChild serve.
const processVariable = "IGSENDTEST_SERVE"

// firstProcessClient is the first client ID of a process.
const firstProcessClient igsend.ClientID = 100000

// An assignment is the first thing the process is told. It spells the keys out,
// which igsend.Keys refuses to do; pipes, unlike arguments, show them to nobody.
type assignment struct {
	Public, Private string
	Options         ProcessOptions
}

// A greeting is the first thing the process says.
type greeting struct {
	Endpoint       string
	CertificatePEM []byte
}

// StartProcess runs the executable it is called from once more, as a server. The
// executable must call [ServeIfChild] first thing in TestMain or main.
func StartProcess(keys igsend.Keys, options ProcessOptions) (*Process, error) {
	if isChild() {
		return nil, errors.New("igsendtest: ServeIfChild was not called first: the server's process would start another")
	}
	executable, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("igsendtest: %w", err)
	}
	p := &Process{cmd: exec.Command(executable)}
	p.cmd.Env = append(os.Environ(), processVariable+"=1")
	p.cmd.Stderr = &p.stderr
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("igsendtest: %w", err)
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("igsendtest: %w", err)
	}
	p.stdout = json.NewDecoder(stdout)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("igsendtest: %w", err)
	}
	var hello greeting
	if err := p.converse(assignment{keys.Public, keys.Private, options}, &hello); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	p.Endpoint, p.CertificatePEM = hello.Endpoint, hello.CertificatePEM
	for i := range options.Clients {
		p.ClientIDs = append(p.ClientIDs, firstProcessClient+igsend.ClientID(i))
	}
	return p, nil
}

// TLSClientConfig is as [Server.TLSClientConfig].
func (p *Process) TLSClientConfig() *tls.Config {
	if p.CertificatePEM == nil {
		return nil
	}
	return trust(p.CertificatePEM)
}

// Stats is as [API.Stats].
func (p *Process) Stats() (Stats, error) {
	var stats Stats
	err := p.converse("stats", &stats)
	return stats, err
}

// ResetStats is as [API.ResetStats].
func (p *Process) ResetStats() error {
	var stats Stats
	return p.converse("reset", &stats)
}

// Close ends the process and waits for it.
func (p *Process) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.stdin.Close()
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("igsendtest: the server's process: %w: %s", err, p.stderr.Bytes())
	}
	return nil
}

// converse sends a command and reads its answer.
func (p *Process) converse(command, answer any) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := json.NewEncoder(p.stdin).Encode(command); err != nil {
		return fmt.Errorf("igsendtest: writing to the server's process: %w", err)
	}
	if err := p.stdout.Decode(answer); err != nil {
		return fmt.Errorf("igsendtest: reading from the server's process, which must call ServeIfChild first: %w", err)
	}
	return nil
}

// ServeIfChild does nothing in a process that [StartProcess] has not started. In one
// that it has, it serves until standard input ends, and then exits.
func ServeIfChild() {
	if !isChild() {
		return
	}
	if err := serveProcess(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func isChild() bool { return os.Getenv(processVariable) != "" }

// serveProcess reads the assignment and then commands, and answers each with one JSON
// document.
func serveProcess(stdin io.Reader, stdout io.Writer) error {
	commands, answers := json.NewDecoder(stdin), json.NewEncoder(stdout)
	var a assignment
	if err := commands.Decode(&a); err != nil {
		return fmt.Errorf("reading the assignment: %w", err)
	}
	srv := newProcessServer(igsend.Keys{Public: a.Public, Private: a.Private}, a.Options)
	defer srv.Close()
	if err := answers.Encode(greeting{srv.Endpoint(), srv.CertificatePEM()}); err != nil {
		return err
	}
	for {
		var command string
		if err := commands.Decode(&command); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("reading a command: %w", err)
		}
		if command == "reset" {
			srv.ResetStats()
		}
		if err := answers.Encode(srv.Stats()); err != nil {
			return err
		}
	}
}

func newProcessServer(keys igsend.Keys, options ProcessOptions) *Server {
	var srv *Server
	if options.TLS {
		srv = NewTLSServer(keys)
	} else {
		srv = NewServer(keys)
	}
	srv.SetLatency(options.Latency)
	for i := range options.Clients {
		srv.SetClient(firstProcessClient+igsend.ClientID(i), Client{Rows: []Row{{Balance: "1400000", Currency: "GBP"}}})
	}
	return srv
}
