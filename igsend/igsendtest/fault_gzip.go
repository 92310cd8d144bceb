package igsendtest

import (
	"bytes"
	"compress/gzip"
	"net/http"
)

// GzipAnswer gives the documented answer compressed, even if the client did not ask for it.
func GzipAnswer(w http.ResponseWriter, _ *http.Request, documented Answer) {
	Answer{documented.Status, compress(documented.Body)}.writeGzip(w)
}

// GzipTruncated sends the first half of the compressed documented body as if it were
// complete.
func GzipTruncated(w http.ResponseWriter, _ *http.Request, documented Answer) {
	compressed := compress(documented.Body)
	Answer{documented.Status, compressed[:len(compressed)/2]}.writeGzip(w)
}

// GzipBomb is like [Huge], but compressed to about a thousandth of the size.
func GzipBomb(n int64) Fault {
	return func(w http.ResponseWriter, _ *http.Request, documented Answer) {
		w.Header().Set("Content-Encoding", "gzip")
		begin(w, documented.Status)
		z := gzip.NewWriter(w)
		if writeHuge(z, documented.Body, n) == nil {
			_ = z.Close()
		}
	}
}

func (a Answer) writeGzip(w http.ResponseWriter) {
	w.Header().Set("Content-Encoding", "gzip")
	a.write(w)
}

func compress(body []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(body) // a bytes.Buffer never fails
	_ = z.Close()
	return b.Bytes()
}
