package serve

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// discard is a ResponseWriter that keeps the status.
type discard struct {
	h      http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.h }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(status int)      { d.status = status }

// BenchmarkDecode measures what a request for one digit costs beside the connection: raw float32, PNG and JSON.
func BenchmarkDecode(b *testing.B) {
	s, err := New(newLibrary(b, LibraryOptions{}, "zoo:cnn-vae"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	code := rawBytes([]float32{0.5, -1})
	for _, kind := range []string{typeRaw, typePNG, typeJSON} {
		b.Run(kind, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest("POST", "http://localhost/v1/decode", io.NopCloser(bytes.NewReader(code)))
				r.ContentLength = 8
				r.Header.Set("Content-Type", typeRaw)
				r.Header.Set("Accept", kind)
				w := &discard{h: http.Header{}}
				s.ServeHTTP(w, r)
				if w.status >= 400 {
					b.Fatal(w.status)
				}
			}
		})
	}
}
