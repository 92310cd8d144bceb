package collector

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

func TestMain(m *testing.M) {
	igsendtest.ServeIfChild() // for the benchmarks
	goleak.VerifyTestMain(m)
}
