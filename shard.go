package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/alecthomas/kingpin/v2"
	"github.com/cespare/xxhash/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/igsend-exporter/igsend_exporter/collector"
	"github.com/igsend-exporter/igsend_exporter/config"
	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// A shard is one of several exporters with the same configuration, each of which asks for
// its own part of the clients. They don't talk to each other.
type shard struct {
	index int // from 0
	total int
}

type shardOptions struct {
	shard string
	total int
}

func (o *shardOptions) addFlags(app *kingpin.Application) {
	app.Flag("shard", "Which part of the clients to serve, from 0: a number, or the name of a StatefulSet's pod, which ends in one. "+
		"The commands check and balance use all clients.").Default("0").StringVar(&o.shard)
	app.Flag("total-shards", "How many exporters share the clients.").Default("1").IntVar(&o.total)
}

// ordinal matches a number, and the name of a pod of a StatefulSet. A wrong ordinal would
// leave clients out, so a name that could mean something else, such as -1 or 1-2, does not
// match.
var ordinal = regexp.MustCompile(`^(?:[a-z][a-z0-9.-]*-)?(0|[1-9][0-9]*)$`)

// parse returns the shard that the flags name.
func (o shardOptions) parse() (shard, error) {
	if o.total < 1 {
		return shard{}, fmt.Errorf("--total-shards=%d: must be at least 1", o.total)
	}
	match := ordinal.FindStringSubmatch(o.shard)
	if match == nil {
		return shard{}, fmt.Errorf("--shard=%s: must be a number, or the name of a StatefulSet's pod, such as igsend-exporter-0", o.shard)
	}
	index, err := strconv.Atoi(match[1])
	if err != nil || index >= o.total {
		return shard{}, fmt.Errorf("--shard=%s: must be from 0 to %d, because --total-shards is %d", o.shard, o.total-1, o.total)
	}
	return shard{index, o.total}, nil
}

// has reports whether a client is in this shard. All shards must agree on that, so it
// depends only on the ID and on how many shards there are.
//
// It does not use the remainder of the ID: IDs come in blocks and in steps, so with some
// numbers of shards the remainders would not be evenly spread. The XXH64 hash of the text
// mixes all bits, which the jump hash needs. On average, the prefix makes no difference. With
// this one, 10,000 IDs from 1, 100000 or 1000000 in steps of 1, 10 or 1000 are within 10 % of
// equal shares in up to 16 shards.
func (s shard) has(id igsend.ClientID) bool {
	return s.total == 1 || jump(xxhash.Sum64String("IGSend/"+id.String()), s.total) == s.index
}

// jump returns which of n shards a key belongs to. With one more shard, 1/(n+1) of the keys
// move, all of them to the new one. It is the algorithm of Lamping and Veach, "A Fast,
// Minimal Memory, Consistent Hash Algorithm", 2014.
func jump(key uint64, n int) int {
	shard, next := 0, 0.0
	for next < float64(n) {
		shard = int(next)
		key = key*2862933555777941757 + 1
		next = float64(int64(float64(shard+1) * (float64(1<<31) / float64(key>>33+1))))
	}
	return shard
}

// part returns the settings with the clients of this shard. It may have none.
func (s shard) part(settings collector.Settings) collector.Settings {
	if s.total == 1 {
		return settings
	}
	cfg := *settings.Config
	cfg.Clients = slices.DeleteFunc(slices.Clone(cfg.Clients), func(c config.Client) bool { return !s.has(c.ID) })
	cfg.Clients = slices.Clip(cfg.Clients)
	settings.Config = &cfg
	return settings
}

// describe returns the fields of the log line about the configuration in use. all is the
// configuration of all shards.
func (s shard) describe(part, all *config.Config) []any {
	fields := []any{"clients", len(part.Clients), "files", all.Files}
	if s.total > 1 {
		fields = append(fields, "of", len(all.Clients), "shard", s.index, "total_shards", s.total)
	}
	return fields
}

// collectors returns the metrics by which rules notice that a shard is missing, runs twice or
// belongs to another fleet. PromQL can't compute with labels, so the number is a metric of its own.
func (s shard) collectors() []prometheus.Collector {
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "igsend_exporter_shard_info",
		Help:        "1, with the shard that this exporter is, and how many there are.",
		ConstLabels: prometheus.Labels{"shard": strconv.Itoa(s.index), "total_shards": strconv.Itoa(s.total)},
	})
	total := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "igsend_exporter_total_shards",
		Help: "How many exporters share the clients.",
	})
	info.Set(1)
	total.Set(float64(s.total))
	return []prometheus.Collector{info, total}
}
