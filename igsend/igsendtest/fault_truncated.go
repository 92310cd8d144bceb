package igsendtest

import (
	"crypto/tls"
	"net"
	"net/http"
	"strconv"
)

// CloseBeforeAnswer closes the connection without a byte of an answer.
func CloseBeforeAnswer(http.ResponseWriter, *http.Request, Answer) { abort() }

// Reset sends half of the documented answer and resets the connection (over TCP;
// an in-memory connection is closed).
func Reset(w http.ResponseWriter, _ *http.Request, documented Answer) {
	announceWhole(w, documented)
	sendHalf(w, documented)
	conn := hijack(w)
	if encrypted, ok := conn.(*tls.Conn); ok {
		conn = encrypted.NetConn() // closing the former would say goodbye
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	closeQuietly(conn)
}

// TruncatedLength announces the whole documented body by its Content-Length, sends
// half of it and closes the connection.
func TruncatedLength(w http.ResponseWriter, _ *http.Request, documented Answer) {
	announceWhole(w, documented)
	sendHalf(w, documented)
	abort()
}

// TruncatedChunk sends the whole documented body as a chunk and closes the
// connection without the last, empty chunk.
func TruncatedChunk(w http.ResponseWriter, _ *http.Request, documented Answer) {
	documented.write(w)
	flush(w)
	abort()
}

// TruncatedJSON sends the first n bytes of the documented body as if they were all,
// or the whole body when it is shorter.
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

// flush sends what is written so far. Its error is that of a client that is gone.
func flush(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }

// hijack takes the connection over; whoever calls it closes it.
func hijack(w http.ResponseWriter) net.Conn {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic("igsendtest: this fault needs a server that gives the connection away: " + err.Error())
	}
	return conn
}

// closeQuietly closes a connection whose fate nobody needs to know.
func closeQuietly(conn net.Conn) { _ = conn.Close() }
