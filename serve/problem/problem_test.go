package problem

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestWrite(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		body   string
		retry  string
	}{
		{New(400, "seed is %q", "x").Of("seed", "x").Do("give a number"), 400,
			`{"title":"Bad Request","status":400,"detail":"seed is \"x\"","field":"seed","value":"x","remedy":"give a number"}`, ""},
		{fmt.Errorf("wrapped: %w", New(429, "busy").After(1500*time.Millisecond)), 429,
			`{"title":"Too Many Requests","status":429,"detail":"busy"}`, "2"},
		{New(503, "full").After(time.Millisecond), 503, `{"title":"Service Unavailable","status":503,"detail":"full"}`, "1"},
		{errors.New("secret /path"), 500, `{"title":"Internal Server Error","status":500,"detail":"the server failed to answer; its log says why"}`, ""},
		{&http.MaxBytesError{Limit: 7}, 413,
			`{"title":"Request Entity Too Large","status":413,"detail":"the body is longer than 7 bytes","field":"body","remedy":"send fewer items in a request"}`, ""},
	} {
		w := httptest.NewRecorder()
		w.Header().Set("ETag", `"x"`)
		Write(w, c.err)
		if got := strings.TrimSpace(w.Body.String()); w.Code != c.status || got != c.body || w.Header().Get("Retry-After") != c.retry {
			t.Errorf("%v: %d %s, Retry-After %q", c.err, w.Code, got, w.Header().Get("Retry-After"))
		}
		if h := w.Header(); h.Get("Content-Type") != MediaType || h.Get("Cache-Control") != "no-store" || h.Get("ETag") != "" {
			t.Errorf("%v: headers %v", c.err, h)
		}
	}
}

func TestValue(t *testing.T) {
	long := New(400, "").Of("f", strings.Repeat("é", 200)).Value
	if long != strings.Repeat("é", 100)+"…" {
		t.Errorf("a long value became %q", long)
	}
	hostile := New(400, "").Of("f", "a\xff\x00")
	w := httptest.NewRecorder()
	Write(w, hostile)
	var back Problem
	if err := json.Unmarshal(w.Body.Bytes(), &back); err != nil || back.Value != `"a\xff\x00"` {
		t.Errorf("%q, %v", back.Value, err)
	}
}
