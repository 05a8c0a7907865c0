package data

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// payload returns 300 kB that deflate cannot compress, and the File that describes
// them.
func payload() ([]byte, File) {
	b := make([]byte, 300_000)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b, File{Name: "set.bin", Size: int64(len(b)), SHA256: fmt.Sprintf("%x", sha256.Sum256(b))}
}

// A mirrorServer answers with one handler after another, the last for ever, and
// remembers the Range headers it was sent.
type mirrorServer struct {
	*httptest.Server
	mu     sync.Mutex
	ranges []string
}

func serve(t *testing.T, handlers ...http.HandlerFunc) *mirrorServer {
	m := &mirrorServer{}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		i := min(len(m.ranges), len(handlers)-1)
		m.ranges = append(m.ranges, r.Header.Get("Range"))
		m.mu.Unlock()
		handlers[i](w, r)
	}))
	t.Cleanup(m.Close)
	return m
}

func (m *mirrorServer) saw() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.ranges...)
}

// good returns a handler that honours Range.
func good(b []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
	}
}

// whole returns a handler that sends all of b and ignores Range.
func whole(b []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Length", strconv.Itoa(len(b)))
		w.Write(b)
	}
}

// cut returns a handler that honours Range, but closes the connection after n bytes.
func cut(b []byte, n int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		from := 0
		if s := r.Header.Get("Range"); s != "" {
			fmt.Sscanf(s, "bytes=%d-", &from)
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(b)-1, len(b)))
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Length", strconv.Itoa(len(b)-from))
		if from > 0 {
			w.WriteHeader(http.StatusPartialContent)
		}
		w.Write(b[from:min(from+n, len(b))])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

func status(code int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(code)
		io.WriteString(w, body)
	}
}

// drip returns a handler that sends a byte every 20 ms until the client disconnects.
func drip(b []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(b)))
		w.Header().Set("Content-Type", "application/octet-stream")
		for i := range b {
			if _, err := w.Write(b[i : i+1]); err != nil || r.Context().Err() != nil {
				return
			}
			w.(http.Flusher).Flush()
			time.Sleep(20 * time.Millisecond)
		}
	}
}

func impatient() Downloader {
	return Downloader{Window: 300 * time.Millisecond, MinBytes: 1000, Backoff: time.Millisecond}
}

func TestDownload(t *testing.T) {
	b, f := payload()
	page := "<!DOCTYPE html><html><body>Please log in</body></html>"
	wrong := bytes.Clone(b)
	wrong[1234] ^= 1
	for _, tt := range []struct {
		name     string
		handlers []http.HandlerFunc
		ranges   []string // of the requests seen
		fault    string   // "" = the file arrives
		kept     int      // bytes in .part after a fault; -1 = no such file
	}{
		{"good", []http.HandlerFunc{good(b)}, []string{""}, "", 0},
		{"cut, resumes", []http.HandlerFunc{cut(b, 100_000), good(b)}, []string{"", "bytes=100000-"}, "", 0},
		{"cut again and again", []http.HandlerFunc{cut(b, 70_000)},
			[]string{"", "bytes=70000-", "bytes=140000-", "bytes=210000-", "bytes=280000-"}, "", 0},
		{"cut, then ignores Range", []http.HandlerFunc{cut(b, 100_000), whole(b)}, []string{"", "bytes=100000-"}, "", 0},
		{"busy, then good", []http.HandlerFunc{status(503, "text/plain", "later"), good(b)}, []string{"", ""}, "", 0},
		{"page with status 200", []http.HandlerFunc{status(200, "text/html; charset=utf-8", page)}, []string{""}, "an HTML page", -1},
		{"page called a file", []http.HandlerFunc{status(200, "application/gzip", page)}, []string{""}, "an HTML page", -1},
		{"missing", []http.HandlerFunc{status(404, "text/html", page)}, []string{""}, "404 Not Found", -1},
		{"broken", []http.HandlerFunc{status(500, "text/plain", "")}, []string{"", "", ""}, "500 Internal", -1},
		{"wrong bytes", []http.HandlerFunc{good(wrong)}, []string{""}, "want " + f.SHA256, -1},
		{"half wrong, then right", []http.HandlerFunc{cut(wrong, 100_000), good(b)}, nil, "want " + f.SHA256, -1},
		{"short", []http.HandlerFunc{whole(b[:1000])}, []string{""}, "1000 bytes with SHA-256", -1},
		{"too long", []http.HandlerFunc{whole(append(bytes.Clone(b), 0))}, []string{""}, "300001 bytes, want at most 300000", -1},
		{"endless", []http.HandlerFunc{func(w http.ResponseWriter, r *http.Request) {
			for range 100 { // no Content-Length
				if _, err := w.Write(make([]byte, 10_000)); err != nil {
					return
				}
			}
		}}, []string{""}, "more than the 300000 bytes", -2},
		{"slow-loris", []http.HandlerFunc{drip(b)}, []string{""}, "too slow: less than 1000 bytes in 300ms", -2},
		{"silent", []http.HandlerFunc{func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }}, []string{""}, "too slow", -1},
		{"range of another place", []http.HandlerFunc{cut(b, 100_000), func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Range", "bytes 5-299999/300000")
			w.WriteHeader(206)
			w.Write(b[5:])
		}}, []string{"", "bytes=100000-"}, "asked for bytes from 100000", 100_000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv, dir := serve(t, tt.handlers...), t.TempDir()
			path, err := impatient().Get(t.Context(), f, []string{srv.URL + "/" + f.Name}, dir)
			if tt.ranges != nil && fmt.Sprint(srv.saw()) != fmt.Sprint(tt.ranges) {
				t.Errorf("requests %q, want %q", srv.saw(), tt.ranges)
			}
			if tt.fault == "" {
				if err != nil {
					t.Fatal(err)
				}
				if got, _ := os.ReadFile(path); !bytes.Equal(got, b) {
					t.Error("the file is not what was published")
				}
				if left, _ := filepath.Glob(dir + "/*"); len(left) != 1 {
					t.Errorf("left behind: %v", left)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.fault) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want one line with %q", err, tt.fault)
			}
			if exists(filepath.Join(dir, f.Name)) {
				t.Error("a bad file got the good name")
			}
			info, err := os.Stat(filepath.Join(dir, f.Name+".part"))
			if tt.kept == -1 && err == nil || tt.kept >= 0 && (err != nil || info.Size() != int64(tt.kept)) {
				t.Errorf("part: %v %v, want %d bytes", info, err, tt.kept)
			}
		})
	}
}

// TestDownloadResumesAcrossProcesses checks that a process continues where the last one
// stopped, even with another mirror.
func TestDownloadResumesAcrossProcesses(t *testing.T) {
	b, f := payload()
	dir := t.TempDir()
	bad := serve(t, cut(b, 90_000), status(404, "text/plain", "gone"))
	if _, err := impatient().Get(t.Context(), f, []string{bad.URL}, dir); err == nil {
		t.Fatal("the cut mirror gave the whole file")
	}
	srv := serve(t, good(b))
	if _, err := impatient().Get(t.Context(), f, []string{srv.URL}, dir); err != nil {
		t.Fatal(err)
	}
	if got := srv.saw(); len(got) != 1 || got[0] != "bytes=90000-" {
		t.Errorf("requests %q, want one from byte 90000 on", got)
	}
}

// TestDownloadWrongPart checks that a wrong partial file costs one more transfer, but
// no error.
func TestDownloadWrongPart(t *testing.T) {
	b, f := payload()
	for name, part := range map[string][]byte{
		"of right length": make([]byte, len(b)), "too long": make([]byte, len(b)+1), "short": make([]byte, 1000),
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, f.Name+".part"), part, 0o666); err != nil {
			t.Fatal(err)
		}
		srv := serve(t, good(b))
		path, err := impatient().Get(t.Context(), f, []string{srv.URL}, dir)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, _ := os.ReadFile(path); !bytes.Equal(got, b) {
			t.Errorf("%s: wrong file", name)
		}
	}
	// The size being unknown, only the server can say that the part is too long.
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, f.Name+".part"), make([]byte, len(b)+1), 0o666)
	f.Size = 0
	if _, err := impatient().Get(t.Context(), f, []string{serve(t, good(b)).URL}, dir); err != nil {
		t.Error(err)
	}
}

func TestDownloadTriesMirrorsInTurn(t *testing.T) {
	b, f := payload()
	gone, page := serve(t, status(404, "text/plain", "")), serve(t, status(200, "text/html", "<html>"))
	ok := serve(t, good(b))
	if _, err := impatient().Get(t.Context(), f, []string{gone.URL, page.URL, ok.URL}, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	_, err := impatient().Get(t.Context(), f, []string{gone.URL, page.URL, "http://127.0.0.1:1/x"}, t.TempDir())
	for _, want := range []string{f.Name, gone.URL + ": status 404", page.URL + ": status 200, but an HTML page", "127.0.0.1:1/x: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

// Files come by https, or from this machine; no redirection leads elsewhere.
func TestDownloadOnlyHTTPS(t *testing.T) {
	_, f := payload()
	away := func(to string) *mirrorServer {
		return serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) })
	}
	loop := away("")
	for address, want := range map[string]string{
		"http://example.com/f":                          "http://example.com/f: want an address that begins with https://",
		"http://127.0.0.1.example.com/f":                "want an address that begins with https://",
		"ftp://example.com/f":                           "want an address that begins with https://",
		"file:///etc/passwd":                            "want an address that begins with https://",
		away("http://example.com/f").URL:                "redirected to http://example.com/f: want an address that begins with https://",
		away("http://name:secret@example.com/data").URL: "redirected to http://name:xxxxx@example.com/data",
		loop.URL + "/a":                                 "redirected ten times",
	} {
		_, err := impatient().Get(t.Context(), f, []string{address}, t.TempDir())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", address, err, want)
		}
	}
	own, other := &http.Request{URL: &url.URL{Scheme: "http", Host: "localhost:1"}}, &http.Request{URL: &url.URL{Scheme: "https", Host: "example.com"}}
	if err := checkRedirect(own, []*http.Request{other}); err == nil {
		t.Error("a mirror may lead to this machine")
	}
	if err := checkRedirect(other, []*http.Request{other}); err != nil {
		t.Error(err)
	}
}

func TestDownloadRepacked(t *testing.T) {
	raw := bytes.Repeat([]byte("imago "), 50_000)
	pack := func(level int) []byte {
		var b bytes.Buffer
		w, _ := gzip.NewWriterLevel(&b, level)
		w.Write(raw)
		w.Close()
		return b.Bytes()
	}
	published, other := pack(9), pack(1)
	f := File{Name: "x.gz", Size: int64(len(published)), SHA256: fmt.Sprintf("%x", sha256.Sum256(published))}
	if _, err := impatient().Get(t.Context(), f, []string{serve(t, good(other)).URL}, t.TempDir()); err == nil {
		t.Error("other bytes passed for the published ones")
	}
	f.Unpacked = fmt.Sprintf("%x", sha256.Sum256(raw))
	if _, err := impatient().Get(t.Context(), f, []string{serve(t, good(other)).URL}, t.TempDir()); err != nil {
		t.Error(err)
	}
}

func TestDownloadCancel(t *testing.T) {
	b, f := payload()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	d := impatient()
	d.Window = time.Minute
	start := time.Now()
	_, err := d.Get(ctx, f, []string{serve(t, drip(b)).URL, serve(t, good(b)).URL}, t.TempDir())
	if err == nil || ctx.Err() == nil || time.Since(start) > 10*time.Second {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
}

// TestDownloadConcurrent checks that two concurrent downloads of a file transfer it
// once.
func TestDownloadConcurrent(t *testing.T) {
	b, f := payload()
	srv, dir := serve(t, func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(50 * time.Millisecond)
		good(b)(w, r)
	}), t.TempDir()
	var wg sync.WaitGroup
	for range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if path, err := impatient().Get(t.Context(), f, []string{srv.URL}, dir); err != nil {
				t.Error(err)
			} else if got, _ := os.ReadFile(path); !bytes.Equal(got, b) {
				t.Error("wrong file")
			}
		}()
	}
	wg.Wait()
	if got := srv.saw(); len(got) != 1 {
		t.Errorf("%d requests, want 1", len(got))
	}
}

func TestDownloadProgressLines(t *testing.T) {
	b, f := payload()
	var out bytes.Buffer
	d := impatient()
	d.Progress = &out
	if _, err := d.Get(t.Context(), f, []string{serve(t, good(b)).URL}, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != "set.bin: 0.3 of 0.3 MB\n" {
		t.Errorf("progress %q", got)
	}
}

func TestMirrorURLs(t *testing.T) {
	t.Setenv("IMAGO_MIRROR", "")
	if got := MirrorURLs("mnist", "a.gz", []string{"https://x/m/", "https://y"}); fmt.Sprint(got) != "[https://x/m/a.gz https://y/a.gz]" {
		t.Error(got)
	}
	t.Setenv("IMAGO_MIRROR", "http://p/, http://q/d")
	if got := MirrorURLs("mnist", "a.gz", []string{"https://x"}); fmt.Sprint(got) != "[http://p/mnist/a.gz http://q/d/mnist/a.gz]" {
		t.Error(got)
	}
}
