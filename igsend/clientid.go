package igsend

import (
	"fmt"
	"strconv"
)

// A ClientID is IGSend's number for a client account. IGSend documents it as an integer
// that is not null, empty or 0. This package requires it to be positive.
type ClientID int64

// ParseClientID parses a client ID in decimal digits. Signs, leading zeros, white space
// and 0 are errors, so that each client has only one spelling.
func ParseClientID(s string) (ClientID, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 || strconv.FormatInt(n, 10) != s {
		return 0, fmt.Errorf("client ID %q is not a positive whole number without leading zeros", s)
	}
	return ClientID(n), nil
}

// String returns the decimal digits of the ID.
func (id ClientID) String() string { return strconv.FormatInt(int64(id), 10) }
