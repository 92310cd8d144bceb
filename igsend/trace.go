package igsend

import "context"

// A Trace is told what happens in a call, for people who look for the cause of a problem, as
// net/http/httptrace does for connections.
type Trace struct {
	// GotAnswer is called when the answer has been read, before it is judged, with its
	// HTTP status and what [Error] has as MessageID and Message.
	GotAnswer func(status int, messageID int64, message string)
}

type traceKey struct{}

// WithTrace returns a context for calls that t is told of.
func WithTrace(ctx context.Context, t *Trace) context.Context {
	return context.WithValue(ctx, traceKey{}, t)
}

// trace tells the Trace of ctx, if there is one, of an answer.
func (d decoder) trace(ctx context.Context, status int, body []byte) {
	if t, ok := ctx.Value(traceKey{}).(*Trace); ok && t.GotAnswer != nil {
		e := d.byStatus("", body)
		t.GotAnswer(status, e.MessageID, e.Message)
	}
}
