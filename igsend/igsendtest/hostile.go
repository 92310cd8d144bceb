package igsendtest

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"time"
)

// TruncatedJSON sends half of the documented body as if it were complete.
func TruncatedJSON(w http.ResponseWriter, r *http.Request, documented []byte) {
	Documented(w, r, documented[:len(documented)/2])
}

// TruncatedLength sends the Content-Length of the documented body, but only half of the
// body, and closes the connection.
func TruncatedLength(w http.ResponseWriter, r *http.Request, documented []byte) {
	sendHalf(w, r, documented)
	abort()
}

// TruncatedChunk sends the whole documented body as a chunk, but closes the connection
// before the last, empty chunk.
func TruncatedChunk(w http.ResponseWriter, r *http.Request, documented []byte) {
	Documented(w, r, documented)
	flush(w)
	abort()
}

// Reset sends half of the documented answer and resets the connection. If it is not a TCP
// connection, Reset closes it.
func Reset(w http.ResponseWriter, r *http.Request, documented []byte) {
	sendHalf(w, r, documented)
	conn := hijack(w)
	if encrypted, ok := conn.(*tls.Conn); ok {
		conn = encrypted.NetConn() // closing the TLS connection would send an alert
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// CloseBeforeAnswer closes the connection without sending anything.
func CloseBeforeAnswer(http.ResponseWriter, *http.Request, []byte) { abort() }

// Raw sends bytes in place of an HTTP answer and closes the connection.
func Raw(bytes string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		conn := hijack(w)
		defer conn.Close()
		_, _ = io.WriteString(conn, bytes)
	}
}

// SlowHeaders sends the whole documented answer, including the status line and header, one
// byte at a time, with a pause before each byte.
func SlowHeaders(pauses time.Duration) Fault {
	return func(w http.ResponseWriter, r *http.Request, documented []byte) {
		conn := hijack(w)
		defer conn.Close()
		for _, c := range fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(documented), documented) {
			pause(r, pauses)
			if _, err := conn.Write([]byte{c}); err != nil {
				return
			}
		}
	}
}

// Drip sends the documented body one byte at a time, with a pause before each byte.
func Drip(pauses time.Duration) Fault {
	return func(w http.ResponseWriter, r *http.Request, documented []byte) {
		begin(w, http.StatusOK)
		flush(w)
		for _, c := range documented {
			pause(r, pauses)
			if _, err := w.Write([]byte{c}); err != nil {
				abort()
			}
			flush(w)
		}
	}
}

// HeaderFlood adds n header fields of a kilobyte to the documented answer.
func HeaderFlood(n int) Fault {
	return func(w http.ResponseWriter, r *http.Request, documented []byte) {
		w.Header()["X-Flood"] = slices.Repeat([]string{strings.Repeat("a", 1<<10)}, n)
		Documented(w, r, documented)
	}
}

// Huge gives the documented answer with an unknown first field of n bytes. The end of the
// answer looks like a normal answer.
func Huge(n int) Fault {
	return func(w http.ResponseWriter, _ *http.Request, documented []byte) {
		begin(w, http.StatusOK)
		_, err := io.WriteString(w, `{"padding": "`)
		block := bytes.Repeat([]byte{'a'}, 1<<15)
		for left := n; left > 0 && err == nil; left -= len(block) {
			_, err = w.Write(block[:min(left, len(block))])
		}
		_, _ = fmt.Fprintf(w, `", %s`, documented[1:])
	}
}

// Gzip compresses the fault's answer, even if the client did not ask for it.
func Gzip(then Fault) Fault {
	return func(w http.ResponseWriter, r *http.Request, documented []byte) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		defer z.Close()
		then(gzipWriter{w, z}, r, documented)
	}
}

type gzipWriter struct {
	http.ResponseWriter
	z *gzip.Writer
}

func (w gzipWriter) Write(p []byte) (int, error) { return w.z.Write(p) }

// GzipTruncated sends half of the compressed documented body as if it were complete.
func GzipTruncated(w http.ResponseWriter, r *http.Request, documented []byte) {
	whole := httptest.NewRecorder()
	Gzip(Documented)(whole, r, documented)
	WithHeader("Content-Encoding", "gzip", TruncatedJSON)(w, r, whole.Body.Bytes())
}

// EchoKeys repeats the credentials of the request, in every spelling, in every part of an
// answer that can hold text: in header fields such as Location, Retry-After and
// Content-Type, in Message, and in rows as balance, currency, state, Status and ClientID.
//
// A client reads the rows if code is 200 and coreStatus is 1. With another coreStatus it
// reads the Message, and with another code the header.
func EchoKeys(code, coreStatus int) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ []byte) {
		echo := credentials(r)
		for _, field := range []string{"Location", "Retry-After", "Content-Type", "WWW-Authenticate", "X-Echo"} {
			w.Header().Set(field, echo)
		}
		id, _, _ := check(r)
		StatusBody(code, fmt.Sprintf(`{"coreRes": {"status": %[1]d, "Message": %[2]s, "MessageID": 10010}, "tableRes": [
			{"ClientID": %[3]d, "AccountBalance": "1.00", "Status": "success", "Balance Currency": "GBP", "Balance State": %[2]s},
			{"ClientID": %[3]d, "AccountBalance": %[2]s, "Status": "success", "Balance Currency": "EUR", "Balance State": "IN_CREDIT"},
			{"ClientID": %[3]d, "AccountBalance": "1.00", "Status": "success", "Balance Currency": %[2]s, "Balance State": "IN_CREDIT"},
			{"ClientID": %[3]d, "AccountBalance": "1.00", "Status": %[2]s, "Balance Currency": "USD", "Balance State": "IN_CREDIT"},
			{"ClientID": %[2]s, "AccountBalance": "1.00", "Status": "success", "Balance Currency": "CHF", "Balance State": "IN_CREDIT"}]}`,
			coreStatus, quote(echo), id))(w, r, nil)
	}
}

// EchoKeysMalformed repeats the credentials of the request as a duplicate JSON key, which
// JSON libraries quote in their errors.
func EchoKeysMalformed(w http.ResponseWriter, r *http.Request, _ []byte) {
	StatusBody(http.StatusOK, fmt.Sprintf(`{%s: 1, %[1]s: 2}`, quote(credentials(r))))(w, r, nil)
}

// EchoKeysNotHTTP repeats the credentials of the request in place of an HTTP status line,
// which HTTP libraries quote in their errors.
func EchoKeysNotHTTP(w http.ResponseWriter, r *http.Request, _ []byte) {
	// If the line contained a space, only the second word would be quoted.
	Raw(strings.ReplaceAll(credentials(r), " ", "|")+"\r\n\r\n")(w, r, nil)
}

// credentials returns all forms of the credentials in the request: the Authorization
// header, the keys in it, and their base64 encoding.
func credentials(r *http.Request) string {
	header := r.Header.Get("Authorization")
	public, private, _ := r.BasicAuth()
	return strings.Join([]string{private, public, public + ":" + private, strings.TrimPrefix(header, "Basic "), header}, " ")
}

// sendHalf sends the header of the documented answer, and half of the body.
func sendHalf(w http.ResponseWriter, r *http.Request, documented []byte) {
	WithHeader("Content-Length", strconv.Itoa(len(documented)), TruncatedJSON)(w, r, documented)
	flush(w)
}

// flush sends what has been written. It fails only if the client is gone.
func flush(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }

// hijack takes over the connection. The caller must close it.
func hijack(w http.ResponseWriter) net.Conn {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic("igsendtest: this fault needs a server that supports Hijack: " + err.Error())
	}
	return conn
}
