package igsendtest

import (
	"crypto/tls"
	"net"
	"net/http"
	"strconv"
)

// CloseBeforeAnswer closes the connection without sending anything.
func CloseBeforeAnswer(http.ResponseWriter, *http.Request, Answer) { abort() }

// Reset sends half of the documented answer and resets the connection. If it is not a TCP
// connection, Reset closes it.
func Reset(w http.ResponseWriter, _ *http.Request, documented Answer) {
	announceWhole(w, documented)
	sendHalf(w, documented)
	conn := hijack(w)
	if encrypted, ok := conn.(*tls.Conn); ok {
		conn = encrypted.NetConn() // closing the TLS connection would send an alert
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	closeQuietly(conn)
}

// TruncatedLength sends the Content-Length of the documented body, but only half of the
// body, and closes the connection.
func TruncatedLength(w http.ResponseWriter, _ *http.Request, documented Answer) {
	announceWhole(w, documented)
	sendHalf(w, documented)
	abort()
}

// TruncatedChunk sends the whole documented body as a chunk, but closes the connection
// before the last, empty chunk.
func TruncatedChunk(w http.ResponseWriter, _ *http.Request, documented Answer) {
	documented.write(w)
	flush(w)
	abort()
}

// TruncatedJSON sends the first n bytes of the documented body as if they were complete.
// If the body is shorter, it sends the whole body.
func TruncatedJSON(n int) Fault {
	return Rewrite(func(body []byte) []byte { return body[:min(n, len(body))] })
}

func announceWhole(w http.ResponseWriter, documented Answer) {
	w.Header().Set("Content-Length", strconv.Itoa(len(documented.Body)))
}

func sendHalf(w http.ResponseWriter, documented Answer) {
	documented.Body = documented.Body[:len(documented.Body)/2]
	documented.write(w)
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

// closeQuietly closes a connection and ignores the error.
func closeQuietly(conn net.Conn) { _ = conn.Close() }
