package igsend

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
)

// Keys are the two halves of an API key, as HTTP Basic authentication carries
// them: the public key is the user, the private key the password. Two Keys are
// equal (==) when IGSend would see the same credentials.
//
// Keys print as "[redacted]" in every format, so that no log line or error can
// show them by accident.
type Keys struct {
	Public  string
	Private string
}

const redacted = "[redacted]"

// String returns "[redacted]".
func (Keys) String() string { return redacted }

// GoString returns "[redacted]", for %#v.
func (Keys) GoString() string { return redacted }

// LogValue returns "[redacted]", for log/slog.
func (Keys) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]", for JSON, YAML and the like.
func (Keys) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// A KeySource says where the two halves of an API key are kept. Each half is
// either given as text or read from a file; the file wins when both are set.
type KeySource struct {
	Public      string
	PublicFile  string
	Private     string
	PrivateFile string
}

// Keys returns the keys as they are now: files are read at every call, so that a
// rotated key is picked up without a restart. Blanks and newlines around a key
// are trimmed, because editors and secret stores leave them there.
//
// The error is an [*Error] with [ReasonCredentials]; it names the half and the
// file, never the content.
func (s KeySource) Keys() (Keys, error) {
	public, err := readKey("public", s.Public, s.PublicFile)
	if err != nil {
		return Keys{}, &Error{Reason: ReasonCredentials, Err: err}
	}
	// RFC 7617, section 2: the user of HTTP Basic authentication holds no colon.
	if strings.Contains(public, ":") {
		return Keys{}, &Error{Reason: ReasonCredentials, Err: errors.New("the public key holds a colon, which HTTP Basic authentication can't carry")}
	}
	private, err := readKey("private", s.Private, s.PrivateFile)
	if err != nil {
		return Keys{}, &Error{Reason: ReasonCredentials, Err: err}
	}
	return Keys{Public: public, Private: private}, nil
}

// LogValue returns "[redacted]", for log/slog: the source may hold keys as text.
func (KeySource) LogValue() slog.Value { return slog.StringValue(redacted) }

// String returns "[redacted]": the source may hold keys as text.
func (KeySource) String() string { return redacted }

// GoString returns "[redacted]", for %#v.
func (KeySource) GoString() string { return redacted }

// MarshalText returns "[redacted]", for JSON, YAML and the like.
func (KeySource) MarshalText() ([]byte, error) { return []byte(redacted), nil }

func readKey(half, text, file string) (string, error) {
	if file != "" {
		content, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("%s key: %w", half, err)
		}
		text = string(content)
	}
	key := strings.TrimSpace(text)
	switch {
	case key == "" && file != "":
		return "", fmt.Errorf("%s key: file %s is empty", half, file)
	case key == "":
		return "", fmt.Errorf("%s key: not set", half)
	}
	return key, nil
}
