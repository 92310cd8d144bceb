package collector

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

// upstream counts and times every HTTP request to IGSend, retries included. A
// client's failure after retries is counted in its client.
type upstream struct {
	*prometheus.Registry // of the metrics below; as a Collector, it collects them
	errors               *prometheus.CounterVec
	duration             prometheus.Histogram
	inFlight             prometheus.Gauge
}

func newUpstream() *upstream {
	u := &upstream{
		Registry: prometheus.NewRegistry(),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "igsend_upstream_errors_total",
			Help: "Failed HTTP requests to IGSend, retries included, by reason.",
		}, []string{"reason"}),
		// Classic and native: OpenMetrics text shows only the classic buckets.
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:                            "igsend_upstream_request_duration_seconds",
			Help:                            "Duration of HTTP requests to IGSend, failed ones included.",
			Buckets:                         []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  100,
			NativeHistogramMinResetDuration: time.Hour,
		}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "igsend_upstream_requests_in_flight",
			Help: "HTTP requests to IGSend that are waiting for their answer.",
		}),
	}
	u.MustRegister(u.errors, u.duration, u.inFlight)
	for _, reason := range igsend.Reasons() {
		u.errors.WithLabelValues(string(reason)) // at 0 from the start, for rates to see the first failure
	}
	return u
}

func (u *upstream) observe(d time.Duration, err *igsend.Error) {
	u.duration.Observe(d.Seconds())
	if err != nil {
		u.errors.WithLabelValues(string(err.Reason)).Inc()
	}
}
