package igsendtest_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/igsend-exporter/igsend_exporter/igsend/igsendtest"
)

// Each fault is applied to the documented answer for a client with one balance.
func TestFaultsThatAnswer(t *testing.T) {
	half := documentedBody[:len(documentedBody)/2]
	released := make(chan struct{})
	close(released)
	for _, tc := range []struct {
		name   string
		fault  igsendtest.Fault
		want   answer
		header http.Header // a part of it
	}{
		{"Documented", igsendtest.Documented, answer{Status: 200, Body: documentedBody}, nil},
		{"Status", igsendtest.Status(503), answer{Status: 503}, nil},
		{"StatusBody", igsendtest.StatusBody(500, "oops"), answer{Status: 500, Body: "oops"}, nil},
		{"Rejected", igsendtest.Rejected(10009, `"no"`), answer{Status: 200, Body: `{"coreRes": {"status": 2, "Message": "\"no\"", "MessageID": 10009}}`}, nil},
		{"Refused", igsendtest.Refused, answer{Status: 200, Body: refusal}, nil},
		{"WithHeader", igsendtest.WithHeader("Retry-After", "9", igsendtest.Status(429)), answer{Status: 429}, http.Header{"Retry-After": {"9"}}},
		{"another type", igsendtest.WithHeader("Content-Type", "text/html", igsendtest.Documented), answer{Status: 200, Body: documentedBody}, http.Header{"Content-Type": {"text/html"}}},
		{"Hold", igsendtest.Hold(released, igsendtest.Status(503)), answer{Status: 503}, nil},
		{"TruncatedJSON", igsendtest.TruncatedJSON, answer{Status: 200, Body: half}, http.Header{"Content-Type": {"application/json"}}},
		{"Huge", igsendtest.Huge(5), answer{Status: 200, Body: `{"padding": "aaaaa", ` + documentedBody[1:]}, nil},
		{"CloseBeforeAnswer", igsendtest.CloseBeforeAnswer, answer{Err: "EOF"}, nil},
		{"TruncatedLength", igsendtest.TruncatedLength, answer{Status: 200, Body: half, Err: "unexpected EOF"}, http.Header{"Content-Length": {fmt.Sprint(len(documentedBody))}}},
		{"TruncatedChunk", igsendtest.TruncatedChunk, answer{Status: 200, Body: documentedBody, Err: "unexpected EOF"}, nil},
		{"Raw", igsendtest.Raw("SSH-2.0-OpenSSH_9.2\r\n\x00\xff\r\n\r\n"), answer{Err: `net/http: HTTP/1.x transport connection broken: malformed HTTP response "SSH-2.0-OpenSSH_9.2"`}, nil},
		{"HeaderFlood", igsendtest.HeaderFlood(11 << 10), answer{Err: "net/http: HTTP/1.x transport connection broken: net/http: server response headers exceeded 10485760 bytes; aborted"}, nil},
		{"a smaller HeaderFlood", igsendtest.HeaderFlood(2), answer{Status: 200, Body: documentedBody}, http.Header{"X-Flood": {strings.Repeat("a", 1<<10), strings.Repeat("a", 1<<10)}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, srv := range []*igsendtest.Server{igsendtest.NewServer(keys), igsendtest.NewTLSServer(keys)} {
				defer srv.Close()
				srv.SetClient(100000, documentedClient())
				srv.SetFault(tc.fault)

				got, header := do(newClient(t, srv), newRequest(t.Context(), srv, 100000))
				got.Err = strings.TrimPrefix(got.Err, fmt.Sprintf(`Get "%s?ClientID=100000": `, srv.Endpoint()))
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", srv.Endpoint(), diff)
				}
				gotHeader := make(http.Header)
				for field := range tc.header {
					gotHeader[field] = header[field]
				}
				if tc.header != nil {
					if diff := cmp.Diff(tc.header, gotHeader); diff != "" {
						t.Errorf("%s, header (-want +got):\n%s", srv.Endpoint(), diff)
					}
				}
			}
		})
	}
}

func TestReset(t *testing.T) {
	for _, srv := range []*igsendtest.Server{igsendtest.NewServer(keys), igsendtest.NewTLSServer(keys)} {
		defer srv.Close()
		srv.SetClient(100000, documentedClient())
		srv.SetFault(igsendtest.Reset)
		resp, err := newClient(t, srv).Do(newRequest(t.Context(), srv, 100000))
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			_ = resp.Body.Close()
		}
		if !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%s: got %v, want a reset", srv.Endpoint(), err)
		}
	}
}

func TestGzip(t *testing.T) {
	// The decompressed body, or the error of decompressing it, by compress/gzip.
	decompress := func(compressed string) (string, error) {
		z, err := gzip.NewReader(strings.NewReader(compressed))
		if err != nil {
			return "", err
		}
		body, err := io.ReadAll(z)
		return string(body), err
	}
	const size = 8 << 20
	for _, tc := range []struct {
		name    string
		fault   igsendtest.Fault
		want    string
		wantErr error
		maxSent int
	}{
		{"Gzip", igsendtest.Gzip(igsendtest.Documented), documentedBody, nil, 400},
		{"GzipTruncated", igsendtest.GzipTruncated, "", io.ErrUnexpectedEOF, 200},
		{"a gzip bomb", igsendtest.Gzip(igsendtest.Huge(size)), `{"padding": "` + strings.Repeat("a", size) + `", ` + documentedBody[1:], nil, size / 500},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv := igsendtest.NewServer(keys)
			defer srv.Close()
			srv.SetClient(100000, documentedClient())
			srv.SetFault(tc.fault)
			got, header := do(newClient(t, srv), newRequest(t.Context(), srv, 100000))
			if header.Get("Content-Encoding") != "gzip" || len(got.Body) > tc.maxSent {
				t.Errorf("%d bytes with Content-Encoding %q, want at most %d", len(got.Body), header.Get("Content-Encoding"), tc.maxSent)
			}
			body, err := decompress(got.Body)
			if !errors.Is(err, tc.wantErr) {
				t.Errorf("decompressing: %v, want %v", err, tc.wantErr)
			}
			if tc.wantErr == nil && body != tc.want {
				t.Errorf("decompressed to %d bytes, want %d: %.300q", len(body), len(tc.want), body)
			}
		})
	}
}

// There is a pause before every byte, so the answer takes its length times the pause.
func TestSlowFaults(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fault igsendtest.Fault
		bytes int
	}{
		{"Drip", igsendtest.Drip(time.Second), len(documentedBody)},
		{"SlowHeaders", igsendtest.SlowHeaders(time.Second), len("HTTP/1.1 200 OK\r\nContent-Length: 244\r\nConnection: close\r\n\r\n") + len(documentedBody)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv, client := newPipe(t)
				srv.SetClient(100000, documentedClient())
				srv.SetFault(tc.fault)

				begin := time.Now()
				got, _ := do(client, newRequest(t.Context(), srv, 100000))
				if diff := cmp.Diff(answer{Status: 200, Body: documentedBody}, got); diff != "" {
					t.Errorf("answer (-want +got):\n%s", diff)
				}
				if took, want := time.Since(begin), time.Duration(tc.bytes)*time.Second; took != want {
					t.Errorf("took %v, want %v", took, want)
				}

				// The fault must end with the test, or the bubble would not.
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				if got, _ := do(client, newRequest(ctx, srv, 100000)); !strings.HasSuffix(got.Err, "context deadline exceeded") {
					t.Errorf("got %+v in ten seconds", got)
				}
			})
		})
	}
}

// Each byte must be sent at once. If a buffer held them back, Drip would only be a delay.
func TestDripArrivesDropByDrop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, client := newPipe(t)
		srv.SetFault(func(w http.ResponseWriter, r *http.Request, _ []byte) {
			igsendtest.Drip(time.Second)(w, r, []byte("abc"))
		})
		begin := time.Now()
		resp, err := client.Do(newRequest(t.Context(), srv, 1))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		got := []string{time.Since(begin).String()}
		for drop := make([]byte, 8); err == nil; {
			var n int
			n, err = resp.Body.Read(drop)
			got = append(got, fmt.Sprintf("%s %q", time.Since(begin), drop[:n]))
		}
		if diff := cmp.Diff([]string{"0s", `1s "a"`, `2s "b"`, `3s "c"`, `3s ""`}, got); diff != "" {
			t.Errorf("header and drops (-want +got):\n%s", diff)
		}
	})
}

func TestEchoKeys(t *testing.T) {
	secrets := strings.Join([]string{
		keys.Private, keys.Public, keys.Public + ":" + keys.Private,
		base64.StdEncoding.EncodeToString([]byte(keys.Public + ":" + keys.Private)),
		"Basic " + base64.StdEncoding.EncodeToString([]byte(keys.Public+":"+keys.Private)),
	}, " ")
	srv := igsendtest.NewServer(keys)
	defer srv.Close()

	t.Run("in a whole answer", func(t *testing.T) {
		srv.SetFault(igsendtest.EchoKeys(302, 2))
		got, header := do(newClient(t, srv), newRequest(t.Context(), srv, 7))
		type row = map[string]any
		want := map[string]any{
			"coreRes": row{"status": 2.0, "Message": secrets, "MessageID": 10010.0},
			"tableRes": []any{
				row{"ClientID": 7.0, "AccountBalance": "1.00", "Status": "success", "Balance Currency": "GBP", "Balance State": secrets},
				row{"ClientID": 7.0, "AccountBalance": secrets, "Status": "success", "Balance Currency": "EUR", "Balance State": "IN_CREDIT"},
				row{"ClientID": 7.0, "AccountBalance": "1.00", "Status": "success", "Balance Currency": secrets, "Balance State": "IN_CREDIT"},
				row{"ClientID": 7.0, "AccountBalance": "1.00", "Status": secrets, "Balance Currency": "USD", "Balance State": "IN_CREDIT"},
				row{"ClientID": secrets, "AccountBalance": "1.00", "Status": "success", "Balance Currency": "CHF", "Balance State": "IN_CREDIT"},
			},
		}
		var body map[string]any
		if err := json.Unmarshal([]byte(got.Body), &body); err != nil || got.Status != 302 {
			t.Fatalf("answer %+v: %v", got, err)
		}
		if diff := cmp.Diff(want, body); diff != "" {
			t.Errorf("body (-want +got):\n%s", diff)
		}
		for _, field := range []string{"Location", "Retry-After", "Content-Type", "WWW-Authenticate", "X-Echo"} {
			if header.Get(field) != secrets {
				t.Errorf("%s: %q, want %q", field, header.Get(field), secrets)
			}
		}
	})
	t.Run("as a repeated key", func(t *testing.T) {
		srv.SetFault(igsendtest.EchoKeysMalformed)
		want := answer{Status: 200, Body: fmt.Sprintf(`{"%s": 1, "%[1]s": 2}`, secrets)}
		if diff := cmp.Diff(want, ask(t, srv, 7)); diff != "" {
			t.Errorf("answer (-want +got):\n%s", diff)
		}
	})
	t.Run("in place of HTTP", func(t *testing.T) {
		srv.SetFault(igsendtest.EchoKeysNotHTTP)
		if got := ask(t, srv, 7); !strings.Contains(got.Err, strings.ReplaceAll(secrets, " ", "|")) {
			t.Errorf("net/http's error does not contain the keys: %+v", got)
		}
	})
}

// net/http's client does not show chunks, so this test reads the connection itself.
func TestTruncatedChunkOnTheWire(t *testing.T) {
	srv := igsendtest.NewServer(keys)
	defer srv.Close()
	srv.SetFault(igsendtest.TruncatedChunk)
	conn := dial(t, srv)
	if err := newRequest(t.Context(), srv, 7).Write(conn); err != nil {
		t.Fatal(err)
	}
	wire := bufio.NewReader(conn)
	for line := ""; line != "\r\n"; {
		var err error
		if line, err = wire.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	const failure = `{"coreRes": {"status": 2, "Message": "Data Validation Failed. Account Number was not available for this client.", "MessageID": 10009}}`
	got, err := io.ReadAll(wire)
	if diff := cmp.Diff(fmt.Sprintf("%x\r\n%s\r\n", len(failure), failure), string(got)); diff != "" || err != nil {
		t.Errorf("body on the wire, %v (-want +got):\n%s", err, diff)
	}
}
