// Package collector answers Prometheus scrapes with the balances of IGSend clients.
//
// A scrape is one straight line: the handler gives it a deadline, a [Collector] turns
// answers into metrics, and a [Fetcher] gets the answers. In another program, leave out
// the handler and register a Collector:
//
//	fetcher := collector.NewFetcher(collector.Settings{Config: cfg, API: client}, logger)
//	defer fetcher.Close()
//	registry.MustRegister(collector.New(ctx, fetcher))
//
// The Fetcher knows no Prometheus beyond the counters of its requests. It is not a package
// of its own because the Collector would then need half of its state exported.
//
// The files below follow that line. Each rule of a scrape has its own:
//
//	handler.go    the deadline, and how many scrapes at once; probe_handler.go: probes
//	collector.go  answers to metrics; metrics.go: names, labels and samples
//	fetcher.go    what outlives a scrape: settings, clients, limits
//	scrape.go     one scrape: what it still waits for, and what it is told
//	probe.go      scrapes of one client; steps.go: what happens to one, for people
//	request.go    one request: who shares it, what follows from its answer
//	slots.go      how many requests are in flight, and how many a second
//	turn.go       fairness: whose turn it is
//	retry.go      who is asked again
//	key.go        refused keys
//	advice.go     whether a higher concurrency would reach all clients
//	client.go     what is kept of a client; balance.go: how its balance moved
package collector
