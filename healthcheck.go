package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// healthcheck asks a running exporter whether it is healthy. One that requires a password
// or a client certificate has answered, so it is. Its own certificate is not checked: it
// is often issued for another name than the one used here, and nothing secret is sent.
func healthcheck(ctx context.Context, u *url.URL) error {
	client := http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}, //nolint:gosec // see above
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(r)
	if wantsCertificate(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusUnauthorized {
		return fmt.Errorf("%s: HTTP status %d", u.Redacted(), resp.StatusCode)
	}
	return nil
}

// The TLS alerts for a client without a certificate: RFC 8446 and, before TLS 1.3, RFC 5246.
const (
	alertCertificateRequired = tls.AlertError(116)
	alertBadCertificate      = tls.AlertError(42)
)

// wantsCertificate reports whether the exporter refused the connection because the client
// has no certificate. Other alerts are failures: a server that can't read its own
// certificate sends one too.
func wantsCertificate(err error) bool {
	var refusal *net.OpError
	if !errors.As(err, &refusal) || refusal.Op != "remote error" {
		return false
	}
	text := refusal.Err.Error()
	return text == alertCertificateRequired.Error() || text == alertBadCertificate.Error()
}
