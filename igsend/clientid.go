package igsend

import (
	"fmt"
	"strconv"
)

// A ClientID is the number under which IGSend keeps a client account. IGSend
// documents it as an integer that is not null, empty or 0; this package takes it
// to be positive.
type ClientID int64

// ParseClientID reads a client ID from its decimal digits. Signs, leading zeros,
// blanks and 0 itself are errors: two spellings of one client would be two clients
// to whoever reads the metrics.
func ParseClientID(s string) (ClientID, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 || strconv.FormatInt(n, 10) != s {
		return 0, fmt.Errorf("client ID %q is not a positive whole number without leading zeros", s)
	}
	return ClientID(n), nil
}

// String returns the decimal digits of the ID.
func (id ClientID) String() string { return strconv.FormatInt(int64(id), 10) }
