package config

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/igsend-exporter/igsend_exporter/igsend"
)

const (
	environmentLive    = "live"
	environmentSandbox = "sandbox"
)

// environment reads the name of an environment, and returns it with its endpoint.
func (v value) environment() (name, endpoint string) {
	name, ok := v.scalar("live or sandbox")
	if !ok {
		return "", ""
	}
	endpoint, ok = endpointOf(name)
	if !ok {
		v.refuse("live or sandbox")
	}
	return name, endpoint
}

// endpointOf returns the endpoint of the environment name; ok is false when there
// is no such environment.
func endpointOf(name string) (endpoint string, ok bool) {
	switch name {
	case environmentLive:
		return igsend.LiveEndpoint, true
	case environmentSandbox:
		return igsend.SandboxEndpoint, true
	default:
		return "", false
	}
}

// endpoint reads the URL of the Client Balance method. The keys travel to it with
// every request, so it is https, or http that does not leave the machine. No message
// repeats the URL, which may hold a password.
func (v value) endpoint() string {
	text, ok := v.scalar("a URL")
	if !ok {
		return ""
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Opaque != "" || !hasHost(u):
		v.fail("must be a URL, such as %s", igsend.LiveEndpoint)
	case u.Scheme != "https" && u.Scheme != "http":
		v.fail("must begin with https://, or with http:// on loopback")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		v.fail("must begin with https://: http is for loopback only (localhost, 127.0.0.0/8, ::1), for the keys travel with every request")
	case u.User != nil:
		v.fail("must not hold a user or password: the keys are public_key and private_key")
	case strings.Contains(text, "?"):
		v.fail("must not hold a query: the client's ID is added to every request")
	case strings.Contains(text, "#"):
		v.fail("must not hold a fragment (#): IGSend would never see it")
	}
	return text
}

// hasHost reports whether u names a host, and, if any, a port that can exist.
func hasHost(u *url.URL) bool {
	if u.Port() != "" {
		if port, err := strconv.ParseUint(u.Port(), 10, 16); err != nil || port == 0 {
			return false
		}
	}
	return u.Hostname() != ""
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.IsLoopback()
}
