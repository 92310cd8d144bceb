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

// healthcheck asks a running exporter for its health. An exporter that asks for a
// password, or for a client certificate, is alive: the answer is its own. Its certificate is not checked, since the
// name that it is asked by is seldom in it and nothing secret is sent.
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

// Alerts of RFC 8446 and, before TLS 1.3, of RFC 5246, for a client without a
// certificate.
const (
	alertCertificateRequired = tls.AlertError(116)
	alertBadCertificate      = tls.AlertError(42)
)

// wantsCertificate reports whether the other side refused the connection for want of a
// certificate. Its other refusals are failures: one that can't read its own
// certificate says so by an alert too.
func wantsCertificate(err error) bool {
	var refusal *net.OpError
	if !errors.As(err, &refusal) || refusal.Op != "remote error" {
		return false
	}
	text := refusal.Err.Error()
	return text == alertCertificateRequired.Error() || text == alertBadCertificate.Error()
}
