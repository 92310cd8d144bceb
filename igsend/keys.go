package igsend

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
)

// Keys are the two halves of an API key. They are sent with HTTP Basic
// authentication: the public key is the user name, the private key the password. Two
// Keys are equal (==) if they are the same credentials to IGSend.
//
// Keys print as "[redacted]" in every format, so that they do not end up in a log line
// or an error by accident.
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

// A KeySource says where the two halves of an API key come from. Each half is
// either given as text or read from a file. If both are set, the file is used.
type KeySource struct {
	Public      string
	PublicFile  string
	Private     string
	PrivateFile string
}

// Keys returns the current keys. It reads the files on every call, so a rotated key is
// picked up without a restart. White space around a key is trimmed, because editors and
// secret stores add it.
//
// The error is an [*Error] with [ReasonCredentials]. It names the half and the file,
// but never shows the content.
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
	// RFC 7617, section 2: the user name can't contain a colon.
	if strings.Contains(key, ":") {
		return "", errors.New("public key: it contains a colon, which HTTP Basic authentication doesn't allow")
	}
	return key, err
}

// LogValue returns "[redacted]", for log/slog, because the source may hold keys as text.
func (KeySource) LogValue() slog.Value { return slog.StringValue(redacted) }

// String returns "[redacted]", because the source may hold keys as text.
func (KeySource) String() string { return redacted }

// GoString returns "[redacted]", for %#v.
func (KeySource) GoString() string { return redacted }

// MarshalText returns "[redacted]", for JSON, YAML and the like.
func (KeySource) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// maxKeySize limits the size of a key file, so that a wrong path can't fill the memory.
const maxKeySize = 64 << 10

func readSmall(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxKeySize+1))
	if err == nil && len(content) > maxKeySize {
		err = fmt.Errorf("file %s is larger than %d bytes, which is too large for a key", name, maxKeySize)
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
