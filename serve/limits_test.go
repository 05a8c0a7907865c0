package serve

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/serve/guard"
	"github.com/imago-ml/imago/serve/problem"
)

// TestHostile checks that nothing but a problem comes of bad requests, and that the server answers afterwards.
func TestHostile(t *testing.T) {
	l := start(t, Options{MaxBody: 100000, MaxItems: 10}, "zoo:cnn-vae", "zoo:cvae")
	deep := strings.Repeat("[", 20000)
	for _, c := range []struct {
		status             int
		method, path, body string
		headers            []string
		want               string
	}{
		{400, "POST", "/v1/decode", `{"codes":[[NaN,1]]}`, nil, "invalid character"},
		{400, "POST", "/v1/decode", `{"codes":[[1e999,1]]}`, nil, "beyond float32"},
		{400, "POST", "/v1/decode", `{"codes":[[1],[1,2]]}`, nil, "all of one length"},
		{400, "POST", "/v1/decode", `{"codes":[[1,2],3]}`, nil, "beside each other"},
		{400, "POST", "/v1/decode", `{"codes":[3,[1,2]]}`, nil, "beside each other"},
		{400, "POST", "/v1/decode", `{"codes":[[],[]]}`, nil, "rows of 2"},
		{400, "POST", "/v1/decode", `{"codes":[["1",2]]}`, nil, "a string among numbers"},
		{400, "POST", "/v1/decode", `{"codes":[[null,2]]}`, nil, "a null among numbers"},
		{400, "POST", "/v1/decode", `{"codes":[]}`, nil, "rows of 2"},
		{400, "POST", "/v1/decode", `{"codes":5}`, nil, "a number alone"},
		{400, "POST", "/v1/decode", `{"codes":` + deep, nil, "exceeded max depth"},
		{400, "POST", "/v1/decode", `{"codes":` + deep[:9000] + strings.Repeat("]", 9000) + `}`, nil, "nested deeper than 6"},
		{400, "POST", "/v1/decode", `{"code":[[1,2]]}`, nil, "did you mean codes"},
		{400, "POST", "/v1/decode", `{"codes":[[1,2]]} {}`, nil, "goes on"},
		{400, "POST", "/v1/decode", `[1,2]`, nil, "no object"},
		{400, "POST", "/v1/decode", ``, nil, "want one of codes"},
		{400, "POST", "/v1/decode", `{"seeds":[]}`, nil, "none"},
		{400, "POST", "/v1/decode?x=1", `{"seeds":[1]}`, nil, `no parameter \"x\"`},
		{413, "POST", "/v1/decode", `{"seeds":[1,2,3,4,5,6,7,8,9,10,11]}`, nil, "11 of them"},
		{413, "POST", "/v1/decode", `{"codes":[` + strings.Repeat("[1,2],", 10) + `[1,2]]}`, nil, "11 of them"},
		{413, "POST", "/v1/decode", strings.Repeat("x", 100001), nil, "longer than 100000 bytes"},
		{400, "POST", "/v1/decode", "abc", []string{"Content-Type: " + typeRaw}, "multiple of 4"},
		{400, "POST", "/v1/decode", string(rawBytes([]float32{1, float32(math.NaN())})), []string{"Content-Type: " + typeRaw}, "is NaN"},
		{400, "POST", "/v1/decode", string(rawBytes([]float32{1, 2})), []string{"Content-Type: " + typeRaw, shapeHeader + ": 1,3"}, "has 2 values"},
		{400, "POST", "/v1/decode", string(rawBytes([]float32{1, 2})), []string{"Content-Type: " + typeRaw, shapeHeader + ": 1,x"}, "the axes"},
		{400, "POST", "/v1/decode", "\xff\xff\xff\xff\xff\xff\xff\x7f{}", []string{"Content-Type: " + typeSafetensors}, "safetensors"},
		{415, "POST", "/v1/decode", "x", []string{"Content-Type: text/plain"}, "is not taken here"},
		{415, "POST", "/v1/decode", "x", []string{"Content-Type: ;;"}, "none"},
		{400, "POST", "/v1/encode", "\x89PNG\r\n\x1a\n", []string{"Content-Type: image/png"}, "no item of the model"},
		{400, "POST", "/v1/encode", `{"items":[[` + strings.Repeat("2,", 783) + `2]]}`, nil, "divided by 255"},
		{400, "GET", "/v1/sample?seed=x", "", nil, "whole number"},
		{400, "GET", "/v1/sample?seed=-1", "", nil, "whole number"},
		{400, "GET", "/v1/sample?seed=99999999999999999999", "", nil, "whole number"},
		{400, "GET", "/v1/sample?n=0", "", nil, "want 1 or more"},
		{413, "GET", "/v1/sample?n=11", "", nil, "10 items"},
		{400, "GET", "/v1/sample?label=1", "", nil, "takes no label"},
		{400, "GET", "/v1/models/cvae/sample", "", nil, "want label"},
		{400, "GET", "/v1/models/cvae/sample?label=11", "", nil, "no label"},
		{404, "GET", "/v1/models/cvea/sample", "", nil, "did you mean cvae"},
		{404, "GET", "/v1/models/..%2f..%2fetc%2fpasswd/sample", "", nil, "no model"},
		{404, "GET", "/v1/models/%2e%2e", "", nil, "no model"},
		{404, "GET", "/etc/passwd", "", nil, "there is no"},
		{405, "GET", "/v1/decode", "", nil, "want POST"},
		{405, "DELETE", "/v1/models", "", nil, "want GET"},
		{421, "GET", "/v1/models", "", []string{"Host: evil.example"}, "not called"},
		{403, "POST", "/v1/decode", `{"seeds":[1]}`, []string{"Origin: https://evil.example"}, "may not ask"},
	} {
		if c.headers == nil || !strings.HasPrefix(c.headers[0], "Content-Type") {
			c.headers = append(c.headers, sentJSON)
		}
		if b := l.want(c.status, c.method, c.path, c.body, c.headers...); c.want != "" && !strings.Contains(string(b), c.want) {
			t.Errorf("%s %s %.60s: %s, want %q", c.method, c.path, c.body, b, c.want)
		}
	}
	l.want(200, "POST", "/v1/decode", `{"seeds":[1]}`, sentJSON)
	l.want(200, "GET", "/openapi.json", "")
	l.want(200, "GET", "/v1/models/cvae", "")
}

// TestToken checks that a token is wanted for all but the state of health, and that it is in no log.
func TestToken(t *testing.T) {
	const token = "0123456789abcdef0123"
	var mu sync.Mutex
	var log strings.Builder
	l := start(t, Options{Guard: guard.Options{Token: token}, Log: func(s string) { mu.Lock(); log.WriteString(s); mu.Unlock() }}, "zoo:cnn-vae")
	l.want(200, "GET", "/v1/sample?seed=1", "")
	resp, _ := l.do("GET", "/v1/sample?seed=1", "")
	if !strings.HasPrefix(resp.Header.Get("Cache-Control"), "private") {
		t.Errorf("Cache-Control %s", resp.Header.Get("Cache-Control"))
	}
	l.token = ""
	for _, path := range []string{"/v1/models", "/v1/sample?seed=1", "/metrics", "/openapi.json", "/v2/models/cnn-vae"} {
		l.want(401, "GET", path, "")
	}
	for _, path := range []string{"/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"} {
		l.want(200, "GET", path, "")
	}
	mu.Lock()
	defer mu.Unlock()
	if log.Len() > 0 {
		t.Errorf("the log has %q", log.String())
	}
}

// TestTLS checks the server behind a certificate, by HTTP/2, and that a slow body is given up.
func TestTLS(t *testing.T) {
	other := httptest.NewTLSServer(nil)
	defer other.Close()
	l := start(t, Options{TLS: &tls.Config{Certificates: other.TLS.Certificates, NextProtos: []string{"h2"}}, Guard: guard.Options{BodyTime: 200 * time.Millisecond}}, "zoo:cnn-vae")
	url := strings.Replace(l.url, "http:", "https:", 1)
	client := other.Client()
	client.Transport.(*http.Transport).ForceAttemptHTTP2 = true
	resp, err := client.Get(url + "/v1/sample?seed=7")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 || resp.ProtoMajor != 2 {
		t.Errorf("%d by %s", resp.StatusCode, resp.Proto)
	}
	body, stuck := io.Pipe()
	defer stuck.Close()
	go stuck.Write([]byte(`{"seeds":`))
	resp, err = client.Post(url+"/v1/decode", typeJSON, body)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 408 {
		t.Errorf("a slow body: %d", resp.StatusCode)
	}
}

// TestSlowBodies checks that clients who send slowly keep nobody else from being answered.
func TestSlowBodies(t *testing.T) {
	l := start(t, Options{Requests: 2}, "zoo:cnn-vae")
	var stuck []net.Conn
	for range 20 {
		c, err := net.Dial("tcp", strings.TrimPrefix(l.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "POST /v1/decode HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30000000\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
		stuck = append(stuck, c)
	}
	for l.s.figures.inFlight.Load() < int64(len(stuck)) {
		time.Sleep(time.Millisecond)
	}
	l.want(200, "POST", "/v1/decode", `{"seeds":[1]}`, sentJSON)
	// A body of several megabytes that comes is read, also without a length.
	long := `{"seeds":[1]` + strings.Repeat(" ", 5<<20) + `}`
	l.want(200, "POST", "/v1/decode", long, sentJSON)
	resp, err := http.Post(l.url+"/v1/decode", typeJSON, io.MultiReader(strings.NewReader(long)))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Errorf("a body of unknown length: %d", resp.StatusCode)
	}
}

// stall stops all batches of a model, as who holds the lock of its state does, until leave is called.
func stall(m *Model) (leave func()) {
	entered, left := make(chan struct{}), make(chan struct{})
	go m.Runner().SetAll(func(yield func(string, *tensor.Tensor) bool) { close(entered); <-left })
	<-entered
	return sync.OnceFunc(func() { close(left) })
}

// TestOverload checks that too many requests and rows are refused, and that the server recovers.
func TestOverload(t *testing.T) {
	lib := newLibrary(t, LibraryOptions{}, "zoo:cnn-vae")
	l := startWith(t, lib, Options{Requests: 4, Timeout: 300 * time.Millisecond})
	m, release, err := lib.Open(t.Context(), "cnn-vae")
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	leave := stall(m)
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := map[int]int{}
	for range 20 {
		wg.Go(func() {
			resp, _ := l.do("POST", "/v1/decode", `{"seeds":[1]}`, sentJSON)
			mu.Lock()
			defer mu.Unlock()
			seen[resp.StatusCode]++
			if resp.StatusCode != 200 && resp.Header.Get("Retry-After") == "" {
				t.Errorf("%d without Retry-After", resp.StatusCode)
			}
			if seen[429]+seen[503] == 19 { // one is in the batch, which is not cut
				leave()
			}
		})
	}
	wg.Wait()
	if seen[429] < 16 || seen[503] < 3 {
		t.Errorf("statuses %v", seen)
	}
	l.want(200, "POST", "/v1/decode", `{"seeds":[1]}`, sentJSON)
}

// TestGone checks that a client who does not wait is no fault of the server in its figures.
func TestGone(t *testing.T) {
	lib := newLibrary(t, LibraryOptions{}, "zoo:cnn-vae")
	l := startWith(t, lib, Options{})
	m, release, err := lib.Open(t.Context(), "cnn-vae")
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	leave := stall(m)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			if _, err := m.Decode(t.Context(), []float32{1, 2}, nil); err != nil {
				t.Error(err)
			}
		})
	}
	for m.waiting() != 1 { // the other one is run
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithCancel(t.Context())
	wg.Go(func() {
		r, err := http.NewRequestWithContext(ctx, "POST", l.url+"/v1/decode", strings.NewReader(`{"seeds":[2]}`))
		if err == nil {
			_, err = http.DefaultClient.Do(r)
		}
		if err == nil {
			t.Error("a client who left has an answer")
		}
	})
	for m.waiting() != 2 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	for m.waiting() != 1 {
		time.Sleep(time.Millisecond)
	}
	leave()
	wg.Wait()
	want := `imago_http_requests_total{route="POST /v1/decode",status="499"} 1`
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if text := string(l.want(200, "GET", "/metrics", "")); strings.Contains(text, want) {
			return
		} else if time.Now().After(end) {
			t.Fatalf("want %s in\n%s", want, text)
		}
	}
}

// TestMemory checks that models are dropped and loaded again within the memory that they may take, with the same answers.
func TestMemory(t *testing.T) {
	one := newLibrary(t, LibraryOptions{}, "zoo:cnn-vae", "zoo:face-vae")
	var sizes []int64
	for _, a := range one.About() {
		sizes = append(sizes, a.Bytes)
	}
	most := max(sizes[0], sizes[1]) + 6<<20 // programs that are compiled later
	lib := newLibrary(t, LibraryOptions{Memory: most}, "zoo:cnn-vae", "zoo:face-vae")
	l := startWith(t, lib, Options{Timeout: time.Minute})
	var first [2][]byte
	var wg sync.WaitGroup
	for i, name := range []string{"cnn-vae", "face-vae"} {
		first[i] = l.want(200, "POST", "/v1/models/"+name+"/decode", `{"seeds":[1]}`, sentJSON, asRaw)
	}
	for k := range 6 {
		wg.Go(func() {
			for i := range 10 {
				which := (k + i) % 2
				name := []string{"cnn-vae", "face-vae"}[which]
				if b := l.want(200, "POST", "/v1/models/"+name+"/decode", `{"seeds":[1]}`, sentJSON, asRaw); !bytes.Equal(b, first[which]) {
					t.Errorf("%s: another answer", name)
				}
				if _, bytes, _, _ := lib.inUse(); bytes > most {
					t.Errorf("%d bytes of models are loaded, want at most %d", bytes, most)
				}
			}
		})
	}
	wg.Wait()
	n, _, loads, drops := lib.inUse()
	if n != 1 || loads < 4 || drops != loads-1 {
		t.Errorf("%d models are loaded, after %d loads and %d drops", n, loads, drops)
	}
	small := NewLibrary(LibraryOptions{Memory: 1000, Backend: func() backend.Backend { return cpu.New(1) }})
	if err := small.Add(t.Context(), "x", fromPath("zoo:cnn-vae")); err == nil || !strings.Contains(err.Error(), "allow more") || len(small.Names()) != 0 {
		t.Errorf("a model that is larger than all may be: %v", err)
	}
	for _, name := range []string{"", ".", "a/b", "a b", strings.Repeat("x", 101)} {
		if err := small.Add(t.Context(), name, nil); err == nil {
			t.Errorf("a model called %q", name)
		}
	}
	if err := lib.Add(t.Context(), "cnn-vae", nil); err == nil || !strings.Contains(err.Error(), "two models") {
		t.Error(err)
	}
}

// TestEnd checks that requests in progress are answered when the server ends, and no others.
func TestEnd(t *testing.T) {
	lib := newLibrary(t, LibraryOptions{}, "zoo:cnn-vae")
	l := startWith(t, lib, Options{})
	m, release, err := lib.Open(t.Context(), "cnn-vae")
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	leave := stall(m)
	answered := make(chan int, 1)
	go func() {
		resp, _ := l.do("POST", "/v1/decode", `{"seeds":[1]}`, sentJSON)
		answered <- resp.StatusCode
	}()
	for l.s.figures.inFlight.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	l.stop()
	for !l.s.ending.Load() {
		time.Sleep(time.Millisecond)
	}
	if err := l.s.notReady(); err == nil {
		t.Error("a server that ends is ready")
	}
	leave()
	if status := <-answered; status != 200 {
		t.Errorf("the request in progress: %d", status)
	}
	if err := <-l.ended; err != nil {
		t.Error(err)
	}
	if _, err := http.Get(l.url + "/healthz"); err == nil {
		t.Error("a server that has ended answers")
	}
}

// FuzzParse checks that a body of any kind is read or refused by a problem, and never more than the limits allow.
func FuzzParse(f *testing.F) {
	lib := newLibrary(f, LibraryOptions{}, "zoo:cvae")
	s, err := New(lib, Options{MaxItems: 4})
	if err != nil {
		f.Fatal(err)
	}
	m, release, err := lib.Open(f.Context(), "cvae")
	if err != nil {
		f.Fatal(err)
	}
	defer release()
	f.Add(typeJSON, []byte(`{"codes":[[1,2,3,4,5,6,7,8]],"label":["1",2],"units":{"1":2}}`), "")
	f.Add(typeJSON, []byte(`{"items":[[[1]]],"labels":[1],"files":["AA=="],"steps":3,"strengths":[1e3]}`), "1,8")
	f.Add(typeRaw, rawBytes(make([]float32, 8)), "1,8")
	f.Add(typeSafetensors, []byte("\x40\x00\x00\x00\x00\x00\x00\x00{\"codes\":{\"dtype\":\"F32\",\"shape\":[1,8],\"data_offsets\":[0,32]}}  "), "")
	f.Add("image/png", []byte("\x89PNG\r\n\x1a\n"), "")
	all := fields{"codes", "seeds", "items", "files", "label", "labels", "steps", "path", "direction", "attribute", "method", "strengths", "units"}
	f.Fuzz(func(t *testing.T, kind string, raw []byte, shape string) {
		q := &body{}
		err := m.parse(q, kind, raw, shape, all)
		if err == nil {
			var items, labels []float32
			if q.Codes.values != nil {
				items, err = q.Codes.rows("codes", 8, 4, "a code")
				if len(items) > 32 {
					t.Errorf("%d values of codes", len(items))
				}
			} else if items, err = s.items(m, q); len(items) > 4*784 {
				t.Errorf("%d values of items", len(items))
			}
			if err == nil {
				labels, err = m.labelRows(q, 2, 10)
			}
			if err == nil && labels != nil && len(labels) != 20 {
				t.Errorf("%d labels", len(labels))
			}
			if err == nil {
				_, _, err = s.move(m, q, make([]float32, 8))
			}
		}
		if err != nil && problem.From(err).Status == 500 {
			t.Errorf("%s %q: %v", kind, raw, err)
		}
	})
}
