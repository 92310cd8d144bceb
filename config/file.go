package config

// The types below have the structure of the configuration file. Their fields hold the
// values as they are in the file; the validate methods check them.

type fileSection struct {
	value
	API     apiSection          `yaml:"api"`
	Clients list[clientSection] `yaml:"clients"`
}

type apiSection struct {
	value
	Environment          text       `yaml:"environment"`
	Endpoint             text       `yaml:"endpoint"`
	PublicKey            text       `yaml:"public_key"`
	PublicKeyFile        text       `yaml:"public_key_file"`
	PrivateKey           text       `yaml:"private_key"`
	PrivateKeyFile       text       `yaml:"private_key_file"`
	Concurrency          integer    `yaml:"concurrency"`
	RequestTimeout       duration   `yaml:"request_timeout"`
	MaxAttempts          integer    `yaml:"max_attempts"`
	MinRefreshInterval   duration   `yaml:"min_refresh_interval"`
	RequestsPerSecond    number     `yaml:"requests_per_second"`
	BalanceUnit          text       `yaml:"balance_unit"`
	TLS                  tlsSection `yaml:"tls_config"`
	ProxyURL             text       `yaml:"proxy_url"`
	NoProxy              text       `yaml:"no_proxy"`
	ProxyFromEnvironment boolean    `yaml:"proxy_from_environment"`
}

// tlsSection has the fields of Prometheus's tls_config, without ca_ref, cert_ref and
// key_ref. Those need a secret store, which this exporter does not have.
type tlsSection struct {
	value
	CA                 text    `yaml:"ca"`
	CAFile             text    `yaml:"ca_file"`
	Cert               text    `yaml:"cert"`
	CertFile           text    `yaml:"cert_file"`
	Key                text    `yaml:"key"`
	KeyFile            text    `yaml:"key_file"`
	ServerName         text    `yaml:"server_name"`
	InsecureSkipVerify boolean `yaml:"insecure_skip_verify"`
	MinVersion         text    `yaml:"min_version"`
	MaxVersion         text    `yaml:"max_version"`
}

type clientSection struct {
	value
	ID         text                     `yaml:"id"`
	Name       text                     `yaml:"name"`
	Labels     mapping[text]            `yaml:"labels" example:"{team: payments}"`
	Thresholds mapping[mapping[amount]] `yaml:"thresholds" example:"{GBP: {warning: 50000}}"`
	Runway     mapping[duration]        `yaml:"runway" example:"{warning: 3d}"`
}

func (s *fileSection) fill(v value, _ string)   { s.value = v.fields(s) }
func (s *apiSection) fill(v value, _ string)    { s.value = v.fields(s) }
func (s *tlsSection) fill(v value, _ string)    { s.value = v.fields(s) }
func (s *clientSection) fill(v value, _ string) { s.value = v.fields(s) }
