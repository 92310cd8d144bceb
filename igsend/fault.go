package igsend

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
)

// transportError returns the error for a request that got no HTTP answer.
func transportError(ctx context.Context, keys Keys, id ClientID, err error) *Error {
	e := &Error{ClientID: id}
	switch {
	case ctx.Err() != nil:
		e.Reason = ContextReason(ctx)
		return e
	case isTimeout(err):
		e.Reason = ReasonTimeout
	case isTLS(err):
		e.Reason = ReasonTLS
	default:
		e.Reason, e.Transient = ReasonNetwork, true
	}
	e.Err = presentable(err, keys)
	return e
}

// ContextReason returns the reason of a call that ctx has ended: ReasonTimeout if the cause of ctx
// is context.DeadlineExceeded, otherwise ReasonCanceled.
func ContextReason(ctx context.Context) Reason {
	if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		return ReasonTimeout
	}
	return ReasonCanceled
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

func isTLS(err error) bool {
	var (
		handshake    *handshakeError
		verification *tls.CertificateVerificationError
		alert        tls.AlertError
		record       tls.RecordHeaderError
	)
	return errors.As(err, &handshake) || errors.As(err, &verification) || errors.As(err, &alert) ||
		errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch)
}

// presentable returns an error that is safe to log. net/http's own errors quote what
// it could not parse, which may hold a key. So only errors from the operating system,
// the resolver and crypto/tls are passed on, with any keys removed.
func presentable(err error, keys Keys) error {
	var (
		operation    *net.OpError
		resolver     *net.DNSError
		handshake    *handshakeError
		verification *tls.CertificateVerificationError
		authority    x509.UnknownAuthorityError
		number       syscall.Errno
		cause        error
	)
	switch {
	case errors.As(err, &handshake):
		cause = handshake
	case errors.As(err, &verification):
		cause = verification
	case errors.As(err, &authority):
		cause = authority
	case errors.As(err, &resolver):
		cause = resolver
	case errors.As(err, &operation):
		cause = operation
	case errors.As(err, &number):
		cause = number
	case errors.Is(err, http.ErrSchemeMismatch):
		cause = http.ErrSchemeMismatch
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errors.New("the connection was closed before the answer was complete")
	default:
		return errors.New("no HTTP answer came back")
	}
	if text := keys.clean(cause.Error()); text != cause.Error() {
		return errors.New(text)
	}
	return cause
}
