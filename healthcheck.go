package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// healthcheck asks a running exporter for its health. An exporter that asks for a
// password is alive: the answer is its own. Its certificate is not checked, since the
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
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusUnauthorized {
		return fmt.Errorf("%s: HTTP status %d", u.Redacted(), resp.StatusCode)
	}
	return nil
}
