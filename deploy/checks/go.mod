// Checks of what lies under deploy/, apart from the exporter, whose users must not
// inherit their dependencies.
module github.com/igsend-exporter/igsend_exporter/deploy/checks

go 1.26.0

require github.com/igsend-exporter/igsend_exporter v0.0.0

require (
	github.com/go-json-experiment/json v1.27.2 // indirect
	github.com/shopspring/decimal v1.6.0 // indirect
)

replace github.com/igsend-exporter/igsend_exporter => ../..
