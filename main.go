// The igsend_exporter command asks IGSend for the balances of client accounts on each
// scrape and exposes them to Prometheus. See README.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/go-kit/log"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"
	sloggokit "github.com/tjhop/slog-gokit"

	"github.com/igsend-exporter/igsend_exporter/collector"
)

const defaultAddress = ":10045"

func main() {
	nameVersion()
	// net/http logs parts of answers that it does not understand to the standard logger,
	// and they may repeat a key.
	stdlog.SetOutput(io.Discard)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A command that is told to stop usually ends by itself. This is for one that is
	// blocked, for example in a write to a pipe that nobody reads.
	context.AfterFunc(ctx, func() { time.AfterFunc(killTime, func() { os.Exit(1) }) })
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		if !errors.Is(err, errReported) {
			fmt.Fprintf(os.Stderr, "igsend_exporter: error: %v\n", err)
		}
		os.Exit(1)
	}
}

// errReported is returned by commands that have already printed the problem.
var errReported = errors.New("reported")

// run parses the arguments and runs one command, until the command or ctx is done.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	app := kingpin.New("igsend_exporter", "Prometheus exporter for the balances of client accounts at IGSend.")
	app.Version(version.Print("igsend_exporter"))
	app.HelpFlag.Short('h')
	app.UsageWriter(stdout)

	// Flags belong to the program, not to its commands: kingpin's help hides the flags of
	// a default command.
	var (
		source settingsSource
		server serverOptions
		scrape scrapeOptions
		fleet  shardOptions
		logs   logOptions
	)
	source.addFlags(app)
	server.web = kingpinflag.AddFlags(app, defaultAddress)
	server.addFlags(app)
	scrape.addFlags(app)
	fleet.addFlags(app)
	logs.addFlags(app)

	serveCmd := app.Command("serve", "Serve the balances as metrics (the default command).").Default()
	checkCmd := app.Command("check", "Validate the configuration, the key files and --web.config.file, and print everything that is wrong.")
	checkFile := checkCmd.Arg("file", "Configuration file, instead of --config.file.").String()
	balanceCmd := app.Command("balance", "Ask IGSend once and print the balances.")
	balanceIDs := balanceCmd.Arg("id", "Client IDs to ask for; they need not be configured. Default: the configured ones.").Strings()
	balanceOutput := balanceCmd.Flag("output", "table, json or csv.").Default("table").Enum("table", "json", "csv")
	demoCmd := app.Command("demo", "Serve the metrics of a simulated IGSend API inside the process.")
	healthCmd := app.Command("healthcheck", "Ask a running exporter whether it is healthy, for containers without a shell.")
	healthURL := healthCmd.Flag("url", "What to ask.").Default("http://localhost" + defaultAddress + "/-/healthy").URL()
	versionCmd := app.Command("version", "Show the version, as --version does.")

	command, err := app.Parse(args)
	if err != nil {
		return fmt.Errorf("%w, try --help", err)
	}
	logger := logs.logger(stderr)
	load := func() (collector.Settings, error) { return interruptible(ctx, source.load) }
	switch command {
	case serveCmd.FullCommand():
		return serve(ctx, load, source.watch(), server, scrape, fleet, logger)
	case checkCmd.FullCommand():
		if *checkFile != "" {
			if source.file != "" {
				return errors.New("name the configuration once: check FILE or check --config.file=FILE")
			}
			source.file = *checkFile
		}
		_, err := interruptible(ctx, func() (any, error) { return nil, check(source, server, scrape, fleet, stdout) })
		return err
	case balanceCmd.FullCommand():
		return printBalances(ctx, source, *balanceIDs, *balanceOutput, stdout, stderr)
	case demoCmd.FullCommand():
		if source.file != "" || len(source.clientIDs) > 0 || source.environment != "" {
			return errors.New("demo has a configuration of its own: leave out --config.file and the --igsend.* flags")
		}
		return demo(ctx, server, scrape, fleet, stdout, logger)
	case healthCmd.FullCommand():
		return healthcheck(ctx, *healthURL)
	case versionCmd.FullCommand():
		fmt.Fprintln(stdout, version.Print("igsend_exporter"))
	}
	return nil
}

// logOptions say which messages are logged, and in which format.
type logOptions struct {
	level  string
	format string
}

func (o *logOptions) addFlags(app *kingpin.Application) {
	app.Flag("log.level", "Only log messages with the given severity or above: debug, info, warn or error.").
		Default("info").EnumVar(&o.level, "debug", "info", "warn", "error")
	app.Flag("log.format", "Output format of log messages: logfmt or json.").
		Default("logfmt").EnumVar(&o.format, "logfmt", "json")
}

// logger returns the program's only logger: log/slog in front of go-kit/log.
func (o *logOptions) logger(w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.level)); err != nil {
		level = slog.LevelInfo // the flag allows only the four levels
	}
	sink := log.NewLogfmtLogger
	if o.format == "json" {
		sink = log.NewJSONLogger
	}
	return slog.New(sloggokit.NewGoKitHandler(sink(log.NewSyncWriter(w)), level))
}

// interruptible returns the result of f, or an error as soon as ctx is done. It is for
// reading files: opening a named pipe waits for a writer and can't be interrupted.
func interruptible[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, errors.New("interrupted while reading the configuration")
	}
}

// nameVersion sets the version of a binary built by `go install`, which passes none to
// the linker.
func nameVersion() {
	if info, ok := debug.ReadBuildInfo(); ok && version.Version == "" {
		version.Version = strings.TrimPrefix(info.Main.Version, "v")
	}
}
