package igsend

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Unknown fields are ignored, unless their name is that of a documented field in another
// case. Such a field may or may not be the documented one, and with money this package
// does not guess.

func (doc document) checkNames() error {
	if err := checkNames(doc.Unknown, "coreRes", "tableRes"); err != nil {
		return err
	}
	return checkNames(doc.CoreRes.Unknown, "status", "Message", "MessageID")
}

func (r *row) checkNames() error {
	return checkNames(r.Unknown, "ClientID", "AccountBalance", "Status", "Balance Currency", "Balance State")
}

// checkNames returns an error if unknown, an object of the unknown fields, has a
// documented name in another case.
func checkNames(unknown jsontext.Value, documented ...string) error {
	if len(unknown) == 0 {
		return nil
	}
	dec := jsontext.NewDecoder(bytes.NewReader(unknown), jsontext.AllowInvalidUTF8(true))
	if _, err := dec.ReadToken(); err != nil { // the opening brace
		return err
	}
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			return err
		}
		for _, d := range documented {
			if strings.EqualFold(name.String(), d) {
				return fmt.Errorf("the name %q is spelled in another case", d)
			}
		}
		if err := dec.SkipValue(); err != nil {
			return err
		}
	}
	return nil
}
