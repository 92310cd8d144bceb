package collector

import (
	"cmp"
	"errors"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// inTurn gathers from each of its members after the other, and returns all families
// sorted by name. It is prometheus.Gatherers for members that have no family in
// common: that one looks at each metric once more to make sure, which would cost as
// much as all the rest of an exposition.
type inTurn []prometheus.Gatherer

// Gather implements prometheus.Gatherer.
func (g inTurn) Gather() ([]*dto.MetricFamily, error) {
	var (
		all  []*dto.MetricFamily
		errs []error
	)
	for _, gatherer := range g {
		families, err := gatherer.Gather()
		all, errs = append(all, families...), append(errs, err)
	}
	slices.SortFunc(all, func(a, b *dto.MetricFamily) int { return cmp.Compare(a.GetName(), b.GetName()) })
	return all, errors.Join(errs...)
}
