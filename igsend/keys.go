package igsend

import (
	"errors"
	"fmt"
	"io"
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
	public, publicErr := s.public()
	private, privateErr := readKey("private", s.Private, s.PrivateFile)
	if err := errors.Join(publicErr, privateErr); err != nil {
		return Keys{}, &Error{Reason: ReasonCredentials, Err: err}
	}
	return Keys{Public: public, Private: private}, nil
}

func (s KeySource) public() (string, error) {
	key, err := readKey("public", s.Public, s.PublicFile)
	// RFC 7617, section 2: the user of HTTP Basic authentication holds no colon.
	if strings.Contains(key, ":") {
		return "", errors.New("public key: it holds a colon, which HTTP Basic authentication can't carry")
	}
	return key, err
}

// LogValue returns "[redacted]", for log/slog: the source may hold keys as text.
func (KeySource) LogValue() slog.Value { return slog.StringValue(redacted) }

// String returns "[redacted]": the source may hold keys as text.
func (KeySource) String() string { return redacted }

// GoString returns "[redacted]", for %#v.
func (KeySource) GoString() string { return redacted }

// MarshalText returns "[redacted]", for JSON, YAML and the like.
func (KeySource) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// maxKeySize bounds a key file: a path that names something else should not fill the
// memory.
const maxKeySize = 64 << 10

func readSmall(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxKeySize+1))
	if err == nil && len(content) > maxKeySize {
		err = fmt.Errorf("file %s holds more than %d bytes, which is no key", name, maxKeySize)
	}
	return content, err
}

func readKey(half, text, file string) (string, error) {
	if file != "" {
		content, err := readSmall(file)
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
