package igsendtest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// NotHTTP sends bytes that are not HTTP and closes the connection.
func NotHTTP(w http.ResponseWriter, _ *http.Request, _ Answer) {
	sendRaw(w, "SSH-2.0-OpenSSH_9.2\r\n\x00\x01\x02\xff\r\n\r\n")
}

// HTML answers 200 with a web page, as a maintenance page or a captive portal does.
func HTML(w http.ResponseWriter, _ *http.Request, _ Answer) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	Answer{http.StatusOK, []byte("<!DOCTYPE html>\n<html><head><title>Maintenance</title></head><body><h1>We'll be back soon</h1></body></html>\n")}.write(w)
}

// Huge gives the documented answer, made n bytes longer by an unknown first field. The end
// of the answer looks like a normal answer.
func Huge(n int64) Fault {
	return func(w http.ResponseWriter, _ *http.Request, documented Answer) {
		begin(w, documented.Status)
		_ = writeHuge(w, documented.Body, n)
	}
}

// Drip sends the documented body one byte at a time, with a pause before each byte.
func Drip(pauses time.Duration) Fault {
	return func(w http.ResponseWriter, r *http.Request, documented Answer) {
		begin(w, documented.Status)
		flush(w)
		for _, c := range documented.Body {
			pause(r, pauses)
			if _, err := w.Write([]byte{c}); err != nil {
				abort()
			}
			flush(w)
		}
	}
}

// SlowHeaders sends the whole documented answer, including the status line and header, one
// byte at a time, with a pause before each byte.
func SlowHeaders(pauses time.Duration) Fault {
	return func(w http.ResponseWriter, r *http.Request, documented Answer) {
		conn := hijack(w)
		defer closeQuietly(conn)
		for _, c := range []byte(rawAnswer(documented)) {
			pause(r, pauses)
			if _, err := conn.Write([]byte{c}); err != nil {
				return
			}
		}
	}
}

// HeaderFlood gives the documented answer with n bytes of extra header fields.
func HeaderFlood(n int64) Fault {
	return func(w http.ResponseWriter, _ *http.Request, documented Answer) {
		conn := hijack(w)
		defer closeQuietly(conn)
		status, rest, _ := strings.Cut(rawAnswer(documented), "\r\n")
		if _, err := io.WriteString(conn, status+"\r\n"); err != nil {
			return
		}
		field := "X-Flood: " + strings.Repeat("a", 1<<10) + "\r\n"
		for sent := int64(0); sent < n; sent += int64(len(field)) {
			if _, err := io.WriteString(conn, field); err != nil {
				return
			}
		}
		_, _ = io.WriteString(conn, rest)
	}
}

// begin writes the header of an answer whose body follows in parts.
func begin(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
}

// rawAnswer returns a complete HTTP answer that closes its connection.
func rawAnswer(a Answer) string {
	return fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		a.Status, http.StatusText(a.Status), len(a.Body), a.Body)
}

// sendRaw sends text in place of an answer and closes the connection.
func sendRaw(w http.ResponseWriter, text string) {
	conn := hijack(w)
	defer closeQuietly(conn)
	_, _ = io.WriteString(conn, text)
}

func writeHuge(w io.Writer, body []byte, n int64) error {
	const head, tail = `{"padding": "`, `", `
	if _, err := io.WriteString(w, head); err != nil {
		return err
	}
	block := bytes.Repeat([]byte{'a'}, 1<<15)
	for left := n - int64(len(head+tail)) + 1; left > 0; left -= int64(len(block)) {
		if _, err := w.Write(block[:min(left, int64(len(block)))]); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%s%s", tail, body[1:])
	return err
}
