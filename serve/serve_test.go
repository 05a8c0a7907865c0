package serve

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image/png"
	"io"
	"math"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/formats/safetensors"
	"github.com/imago-ml/imago/internal/catalog"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/serve/problem"
	"github.com/imago-ml/imago/train"
)

var registry = sync.OnceValue(func() *model.Registry {
	r := &model.Registry{}
	catalog.Models(r)
	catalog.Zoo()
	return r
})

// fromPath is a Source.
func fromPath(path string) Source {
	return func(be backend.Backend) (*train.Trained, error) { return train.OpenModel(path, registry(), be) }
}

// newLibrary returns a library of models that imago brings along.
func newLibrary(t testing.TB, opt LibraryOptions, names ...string) *Library {
	t.Helper()
	if opt.Backend == nil {
		opt.Backend = func() backend.Backend { return cpu.New(1) }
	}
	lib := NewLibrary(opt)
	t.Cleanup(func() { lib.Close() })
	for _, name := range names {
		if err := lib.Add(t.Context(), strings.TrimPrefix(name, "zoo:"), fromPath(name)); err != nil {
			t.Fatal(err)
		}
	}
	return lib
}

// A live is a server on a loopback port, whose answers are held to the document.
type live struct {
	t      testing.TB
	s      *Server
	url    string
	router routers.Router // nil = answers are not checked
	stop   func()
	ended  chan error
	token  string
}

// start starts a server of models that imago brings along.
func start(t testing.TB, opt Options, names ...string) *live {
	t.Helper()
	return startWith(t, newLibrary(t, LibraryOptions{}, names...), opt)
}

func startWith(t testing.TB, lib *Library, opt Options) *live {
	t.Helper()
	s, err := New(lib, opt)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	l := &live{t: t, s: s, url: "http://" + listener.Addr().String(), router: router(t), stop: stop, ended: make(chan error, 1), token: opt.Guard.Token}
	go func() { l.ended <- s.Serve(ctx, listener) }()
	t.Cleanup(stop)
	return l
}

// router returns the operations of the document.
var router = func() func(t testing.TB) routers.Router {
	var once sync.Once
	var r routers.Router
	return func(t testing.TB) routers.Router {
		once.Do(func() {
			doc, err := openapi3.NewLoader().LoadFromData(document)
			if err != nil {
				t.Fatal(err)
			}
			if err := doc.Validate(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, kind := range []string{typePNG, typeSafetensors, "text/csv", "image/*"} {
				openapi3filter.RegisterBodyDecoder(kind, openapi3filter.FileBodyDecoder)
			}
			doc.Servers = nil // the router takes the paths of any server
			if r, err = legacy.NewRouter(doc); err != nil {
				t.Fatal(err)
			}
		})
		return r
	}
}()

// do sends a request with headers, "Name: value" each, and checks that the answer is one of the document.
func (l *live) do(method, path, body string, headers ...string) (*http.Response, []byte) {
	l.t.Helper()
	r, err := http.NewRequest(method, l.url+path, strings.NewReader(body))
	if err != nil {
		l.t.Fatal(err)
	}
	if l.token != "" {
		r.Header.Set("Authorization", "Bearer "+l.token)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			r.Host = value
		}
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		l.t.Error(err)
		return &http.Response{Header: http.Header{}}, nil
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		l.t.Error(err)
	}
	l.check(r, resp, body, b)
	return resp, b
}

// check holds an answer, and a request that was taken, to the document.
func (l *live) check(r *http.Request, resp *http.Response, sent string, b []byte) {
	l.t.Helper()
	if resp.StatusCode >= 400 {
		var p problem.Problem
		if err := json.Unmarshal(b, &p); err != nil || p.Status != resp.StatusCode || p.Detail == "" || resp.Header.Get("Content-Type") != problem.MediaType {
			l.t.Errorf("%s %s: %d with %q, which is no problem", r.Method, r.URL, resp.StatusCode, b)
		}
	}
	if r.Method == http.MethodHead {
		return
	}
	route, params, err := l.router.FindRoute(r)
	if err != nil {
		if resp.StatusCode < 400 {
			l.t.Errorf("%s %s is not in the document: %v", r.Method, r.URL, err)
		}
		return
	}
	in := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}}
	if resp.StatusCode < 300 {
		r.Body = io.NopCloser(strings.NewReader(sent))
		if r.Method == "POST" && r.Header.Get("Content-Type") == "" {
			r.Header.Set("Content-Type", typeJSON)
		}
		if err := openapi3filter.ValidateRequest(l.t.Context(), in); err != nil {
			l.t.Errorf("%s %s was answered, and the document does not allow it: %v", r.Method, r.URL, err)
		}
	}
	if resp.StatusCode == http.StatusNotModified {
		return
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: resp.StatusCode, Header: resp.Header, Body: io.NopCloser(bytes.NewReader(b))}
	if err := openapi3filter.ValidateResponse(l.t.Context(), out); err != nil {
		l.t.Errorf("%s %s: %d is not as the document says: %v", r.Method, r.URL, resp.StatusCode, err)
	}
}

// want sends a request whose answer has that status, and returns the answer.
func (l *live) want(status int, method, path, body string, headers ...string) []byte {
	l.t.Helper()
	resp, b := l.do(method, path, body, headers...)
	if resp.StatusCode != status {
		l.t.Errorf("%s %s %.100s: %d %.300s, want %d", method, path, body, resp.StatusCode, b, status)
	}
	return b
}

// values returns raw float32 values.
func values(b []byte) []float32 {
	v := make([]float32, len(b)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return v
}

// parsed returns an object of JSON.
func parsed[T any](t testing.TB, b []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%v: %.300s", err, b)
	}
	return v
}

type itemsAnswer struct {
	Model string
	Shape []int
	Items [][]float32
	Codes [][]float32
	LogV  [][]float32 `json:"log_var"`
	Seed  *uint64
}

const asRaw, asPNG, sentJSON = "Accept: " + typeRaw, "Accept: " + typePNG, "Content-Type: " + typeJSON

// TestForms checks that an answer says the same in each form, and that a request does.
func TestForms(t *testing.T) {
	l := start(t, Options{}, "zoo:cnn-vae", "zoo:cvae", "zoo:face-vae")
	request := `{"codes": [[0.5, -1], [1.5, 0.25]]}`
	asJSON := parsed[itemsAnswer](t, l.want(200, "POST", "/v1/decode", request, sentJSON))
	resp, raw := l.do("POST", "/v1/models/cnn-vae/decode", request, sentJSON, asRaw)
	if got := values(raw); !slices.Equal(got, slices.Concat(asJSON.Items...)) || resp.Header.Get(shapeHeader) != "2,28,28,1" {
		t.Errorf("raw bytes of shape %s differ from JSON", resp.Header.Get(shapeHeader))
	}
	if asJSON.Model != "cnn-vae" || !slices.Equal(asJSON.Shape, []int{2, 28, 28, 1}) {
		t.Errorf("%s %v", asJSON.Model, asJSON.Shape)
	}
	file := l.want(200, "POST", "/v1/decode?format=safetensors", request, sentJSON)
	f, err := safetensors.NewReader("answer", bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	if x, err := f.Tensor("items"); err != nil || !slices.Equal(x.F32(), values(raw)) {
		t.Errorf("the tensors differ: %v", err)
	}
	resp, sheet := l.do("POST", "/v1/decode?cols=2", request, sentJSON, asPNG)
	img, err := png.Decode(bytes.NewReader(sheet))
	if err != nil || img.Bounds().Dx() != 56 || img.Bounds().Dy() != 28 || resp.Header.Get("X-Imago-Sheet") != "1x2" {
		t.Errorf("%v of %s, %v", img.Bounds(), resp.Header.Get("X-Imago-Sheet"), err)
	}
	for i, v := range asJSON.Items[1] {
		if r, _, _, _ := img.At(28+i%28, i/28).RGBA(); uint32(math.Round(float64(v)*255)) != r>>8 {
			t.Fatalf("pixel %d of the sheet is %d, want %v", i, r>>8, v*255)
		}
	}

	// The same codes, sent in other forms.
	codes := rawBytes([]float32{0.5, -1, 1.5, 0.25})
	for what, b := range map[string][]byte{
		"raw":            l.want(200, "POST", "/v1/decode", string(codes), "Content-Type: "+typeRaw, asRaw),
		"raw with shape": l.want(200, "POST", "/v1/decode", string(codes), "Content-Type: "+typeRaw, shapeHeader+": 2,2", asRaw),
	} {
		if !bytes.Equal(b, raw) {
			t.Errorf("%s: another answer", what)
		}
	}
	m, release, err := l.s.lib.Open(t.Context(), "cnn-vae")
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	a := &answer{m: m, arrays: []array{m.codesOf(values(codes))}}
	tensors, err := a.tensors()
	if err != nil {
		t.Fatal(err)
	}
	if b := l.want(200, "POST", "/v1/decode", string(tensors), "Content-Type: "+typeSafetensors, asRaw); !bytes.Equal(b, raw) {
		t.Error("codes in safetensors: another answer")
	}

	// A picture that was decoded is encoded: as a file, as a file in JSON, as values.
	one := l.want(200, "POST", "/v1/decode", `{"codes":[[0.5,-1]]}`, sentJSON, asPNG)
	byFile := l.want(200, "POST", "/v1/encode", string(one), "Content-Type: image/png", asRaw)
	inJSON := l.want(200, "POST", "/v1/encode", `{"files":["`+base64.StdEncoding.EncodeToString(one)+`"]}`, sentJSON, asRaw)
	if !bytes.Equal(byFile, inJSON) || len(byFile) != 8 {
		t.Errorf("%x and %x", byFile, inJSON)
	}
	nested, err := json.Marshal(map[string]any{"items": [][]float32{asJSON.Items[0]}})
	if err != nil {
		t.Fatal(err)
	}
	answered := parsed[itemsAnswer](t, l.want(200, "POST", "/v1/encode", string(nested), sentJSON))
	if len(answered.Codes) != 1 || len(answered.LogV) != 1 || len(answered.Codes[0]) != 2 {
		t.Errorf("codes %v, log_var %v", answered.Codes, answered.LogV)
	}
	if b := l.want(200, "POST", "/v1/reconstruct", string(one), "Content-Type: image/png", asPNG); !bytes.HasPrefix(b, []byte("\x89PNG")) {
		t.Errorf("%.20q", b)
	}
	for accept, want := range map[string]int{"text/html": 406, "image/jpeg": 406, "image/webp, */*;q=0.8": 200, "application/json;q=0": 406, "image/*": 200} {
		l.want(want, "POST", "/v1/decode", request, sentJSON, "Accept: "+accept)
	}
	l.want(406, "POST", "/v1/decode?format=gif", request, sentJSON)
	l.want(200, "GET", "/v1/models/face-vae/sample?seed=1&n=5&cols=3", "", "Accept: text/html,image/avif,image/webp,*/*;q=0.8")
}

// TestSample checks that a sample has the same bytes after a restart and that it is what imago sample draws.
func TestSample(t *testing.T) {
	paths := []string{"/v1/sample?seed=7", "/v1/sample?seed=7&n=64&format=raw", "/v1/models/cvae/sample?seed=7&n=3&label=4", "/v1/models/face-vae/sample?seed=7&n=64&format=raw", "/v1/models/face-vae/sample?seed=7&format=raw"}
	var first [][]byte
	var tags []string
	for range 2 {
		l := start(t, Options{}, "zoo:cnn-vae", "zoo:cvae", "zoo:face-vae")
		for i, path := range paths {
			resp, b := l.do("GET", path, "")
			if resp.StatusCode != 200 || resp.Header.Get("X-Imago-Seed") != "7" || !strings.Contains(resp.Header.Get("Cache-Control"), "max-age") {
				t.Errorf("%s: %d %v", path, resp.StatusCode, resp.Header)
			}
			if len(first) == i {
				first, tags = append(first, b), append(tags, resp.Header.Get("ETag"))
			}
			if !bytes.Equal(b, first[i]) || resp.Header.Get("ETag") != tags[i] {
				t.Errorf("%s: other bytes after a restart", path)
			}
			again, none := l.do("GET", path, "", "If-None-Match: "+tags[i])
			if again.StatusCode != 304 || len(none) > 0 {
				t.Errorf("%s: %d with the tag that it has", path, again.StatusCode)
			}
		}
		l.stop()
		if err := <-l.ended; err != nil {
			t.Error(err)
		}
	}
	if slices.Equal(first[0], first[1]) || tags[3] == tags[4] {
		t.Error("different questions have one answer")
	}
	for i, c := range map[int]struct {
		name string
		n    int
	}{1: {"zoo:cnn-vae", 64}, 3: {"zoo:face-vae", 64}, 4: {"zoo:face-vae", 1}} {
		be := cpu.New(2)
		trained, err := fromPath(c.name)(be)
		if err != nil {
			t.Fatal(err)
		}
		want, err := trained.Sample(t.Context(), latent.SampleKey(7), c.n, nil)
		be.Close()
		if err != nil {
			t.Fatal(err)
		}
		// One face alone is multiplied in another order by the command line: its pixels differ by rounding.
		tolerance := map[bool]float64{true: 1e-6}[c.n == 1]
		for k, v := range values(first[i]) {
			if !(math.Abs(float64(v-want[k])) <= tolerance) {
				t.Fatalf("%s: value %d of %d samples is %v, want %v", c.name, k, c.n, v, want[k])
			}
		}
	}
	l := start(t, Options{}, "zoo:cnn-vae")
	resp, _ := l.do("GET", "/v1/sample", "")
	if seed := resp.Header.Get("X-Imago-Seed"); seed == "" || resp.Header.Get("ETag") != "" || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("a sample without a seed: %v", resp.Header)
	}
	head, _ := l.do("HEAD", "/v1/sample?seed=7", "")
	if head.StatusCode != 200 || head.Header.Get("Content-Length") != strconv.Itoa(len(first[0])) {
		t.Errorf("HEAD: %d %v", head.StatusCode, head.Header)
	}
}

// TestCompany checks that an answer has the same bits whatever else is asked.
func TestCompany(t *testing.T) {
	l := start(t, Options{}, "zoo:cnn-vae", "zoo:face-vae", "zoo:cvae")
	l.router = router(t)
	type question struct{ path, body, kind string }
	var all []question
	for i := range 12 {
		n := 1 + i*i%23
		codes := make([]float32, 48*n)
		for k := range codes {
			codes[k] = float32(math.Sin(float64(1 + k + 31*i)))
		}
		all = append(all,
			question{"/v1/models/cnn-vae/decode", string(rawBytes(codes[:2*n])), typeRaw},
			question{"/v1/models/face-vae/decode", string(rawBytes(codes)), typeRaw},
			question{fmt.Sprintf("/v1/models/cvae/decode?label=%d", i%10), string(rawBytes(codes[:8*n])), typeRaw},
			question{"/v1/models/face-vae/reconstruct", `{"seeds":[1]}`, typeJSON})
		all[len(all)-1] = question{"/v1/models/cnn-vae/encode", string(rawBytes(repeatImage(n, i))), typeRaw}
	}
	var alone [][]byte
	for _, q := range all {
		alone = append(alone, l.want(200, "POST", q.path, q.body, "Content-Type: "+q.kind, asRaw))
	}
	var wg sync.WaitGroup
	for k := range 16 {
		wg.Go(func() {
			for j := range all {
				i := (j*(2*k+1) + k) % len(all)
				q := all[i]
				if b := l.want(200, "POST", q.path, q.body, "Content-Type: "+q.kind, asRaw); !bytes.Equal(b, alone[i]) {
					t.Errorf("%s: %d bytes are others than alone", q.path, len(b))
				}
			}
		})
	}
	wg.Wait()
	text := string(l.want(200, "GET", "/metrics", ""))
	for _, want := range []string{`imago_batch_rows_bucket{model="face-vae",function="decode",le="64"}`, `imago_queue_rows{model="cvae"} 0`, "imago_models_loaded 3",
		`imago_http_requests_total{route="POST /v1/models/{model}/decode",status="200"}`, "imago_http_requests_in_flight "} {
		if !strings.Contains(text, want) {
			t.Errorf("/metrics lacks %s:\n%s", want, text)
		}
	}
}

// repeatImage returns n images of 28×28 pixels.
func repeatImage(n, seed int) []float32 {
	x := make([]float32, n*784)
	for i := range x {
		x[i] = float32((i*seed+i)%256) / 255
	}
	return x
}

// TestWork checks interpolate, edit and score.
func TestWork(t *testing.T) {
	l := start(t, Options{}, "zoo:face-vae", "zoo:cnn-vae", "zoo:cvae")
	way := parsed[itemsAnswer](t, l.want(200, "POST", "/v1/interpolate", `{"seeds":[1,2,3],"steps":4,"path":"spherical"}`, sentJSON))
	if len(way.Items) != 7 || len(way.Codes) != 7 {
		t.Fatalf("%d items, %d codes", len(way.Items), len(way.Codes))
	}
	for at, seed := range map[int]uint64{0: 1, 3: 2, 6: 3} {
		ends := parsed[itemsAnswer](t, l.want(200, "POST", "/v1/decode", fmt.Sprintf(`{"seeds":[%d]}`, seed), sentJSON))
		if !slices.Equal(ends.Items[0], way.Items[at]) {
			t.Errorf("stop %d is not the item of seed %d", at, seed)
		}
	}
	edited := parsed[itemsAnswer](t, l.want(200, "POST", "/v1/edit", `{"seeds":[1,2],"attribute":"smiling","strengths":[-2,0,2]}`, sentJSON))
	plain := parsed[itemsAnswer](t, l.want(200, "POST", "/v1/decode", `{"seeds":[1,2]}`, sentJSON))
	if len(edited.Items) != 6 || !slices.Equal(edited.Items[1], plain.Items[0]) || !slices.Equal(edited.Items[4], plain.Items[1]) || slices.Equal(edited.Items[0], edited.Items[2]) {
		t.Error("a strength of 0 is not the item itself, or others are")
	}
	l.want(200, "POST", "/v1/edit", `{"seeds":[1],"attribute":"Eyeglasses","method":"partial"}`, sentJSON, asPNG)
	set := parsed[itemsAnswer](t, l.want(200, "POST", "/v1/models/cnn-vae/edit", `{"codes":[[1,2]],"units":{"1":-0.5}}`, sentJSON))
	moved := parsed[itemsAnswer](t, l.want(200, "POST", "/v1/models/cnn-vae/edit", `{"codes":[[1,2]],"direction":[1,-0.5],"strengths":[0,2]}`, sentJSON))
	if !slices.Equal(set.Codes[0], []float32{1, -0.5}) || !slices.Equal(moved.Codes[1], []float32{3, 1}) {
		t.Errorf("codes %v and %v", set.Codes, moved.Codes)
	}
	l.want(200, "POST", "/v1/models/cvae/interpolate", `{"seeds":[1,2],"labels":[3,"5"]}`, sentJSON, asPNG)
	l.want(200, "POST", "/v1/models/cvae/decode", `{"seeds":[1,2],"labels":[["3"],5]}`, sentJSON)
	picture := l.want(200, "GET", "/v1/models/cnn-vae/sample?seed=3", "")
	type scores struct {
		Scores     [][]float64
		Names      []string
		Thresholds map[string]float64
	}
	one := parsed[scores](t, l.want(200, "POST", "/v1/models/cnn-vae/score", string(picture), "Content-Type: image/png"))
	if len(one.Scores) != 1 || len(one.Scores[0]) != len(one.Names) || len(one.Names) == 0 || len(one.Thresholds) == 0 {
		t.Errorf("%+v", one)
	}
	for body, want := range map[string]string{
		`{"seeds":[1],"attribute":"Smilling"}`:                    "Smiling",
		`{"seeds":[1]}`:                                           "want units, direction or attribute",
		`{"seeds":[1],"units":{"48":1}}`:                          "want 0 to 47",
		`{"seeds":[1],"direction":[1]}`:                           "want 48",
		`{"seeds":[1],"units":{"1":1},"strengths":[1]}`:           "neither is given",
		`{"seeds":[1],"attribute":"Smiling","strengths":[]}`:      "want 1 to 1024",
		`{"seeds":[1],"attribute":"Smiling","strengths":[1e300]}`: "want less",
		`{"seeds":[1],"attribute":"Smiling","method":"x"}`:        "want mean, partial or unit",
		`{"seeds":[1],"codes":[[1]],"attribute":"Smiling"}`:       "2 of these are given",
		`{"seeds":[1],"attribute":"Smiling","label":"1"}`:         "takes no label",
		`{"seeds":[1,2],"attribute":"Smiling","strengths":"x"}`:   "strengths",
		`{"seeds":[-1],"attribute":"Smiling"}`:                    "seeds",
		`{"codes":[[1,2]],"attribute":"Smiling"}`:                 "rows of 48",
		`{"items":[[1,2]],"attribute":"Smiling"}`:                 "rows of 3072",
		`{"files":["bm8="],"attribute":"Smiling"}`:                "files[0]",
		`{"files":["!"],"attribute":"Smiling"}`:                   "no base64",
	} {
		if b := l.want(400, "POST", "/v1/edit", body, sentJSON); !strings.Contains(string(b), want) {
			t.Errorf("%s: %s, want %q", body, b, want)
		}
	}
}

// TestKServe checks the inference protocol, with JSON and with binary tensors, against /decode.
func TestKServe(t *testing.T) {
	l := start(t, Options{}, "zoo:cnn-vae", "zoo:cvae")
	for _, path := range []string{"/v2", "/v2/health/live", "/v2/health/ready", "/v2/models/cvae", "/v2/models/cnn-vae/ready"} {
		l.want(200, "GET", path, "")
	}
	l.want(404, "GET", "/v2/models/x/ready", "")
	want := l.want(200, "POST", "/v1/decode", `{"codes":[[1,2]]}`, sentJSON, asRaw)
	type inferred struct {
		ID      string
		Outputs []struct {
			Name  string
			Shape []int
			Data  []float32
		}
	}
	got := parsed[inferred](t, l.want(200, "POST", "/v2/models/cnn-vae/infer", `{"id":"a","inputs":[{"name":"z","shape":[1,2],"datatype":"FP32","data":[[1,2]]}]}`, sentJSON))
	if got.ID != "a" || len(got.Outputs) != 1 || got.Outputs[0].Name != "image" || !slices.Equal(got.Outputs[0].Data, values(want)) || !slices.Equal(got.Outputs[0].Shape, []int{1, 28, 28, 1}) {
		t.Errorf("%+v", got)
	}
	head := `{"inputs":[{"name":"z","shape":[1,2],"datatype":"FP32","parameters":{"binary_data_size":8}}],"outputs":[{"name":"image","parameters":{"binary_data":true}}]}`
	resp, b := l.do("POST", "/v2/models/cnn-vae/infer", head+string(rawBytes([]float32{1, 2})), "Content-Type: "+typeRaw, lengthHeader+": "+strconv.Itoa(len(head)))
	n, err := strconv.Atoi(resp.Header.Get(lengthHeader))
	if err != nil || resp.StatusCode != 200 || !bytes.Equal(b[n:], want) {
		t.Errorf("%d %v: %.200s", resp.StatusCode, err, b)
	}
	x, err := json.Marshal(repeatImage(1, 2))
	if err != nil {
		t.Fatal(err)
	}
	got = parsed[inferred](t, l.want(200, "POST", "/v2/models/cnn-vae/infer", `{"inputs":[{"name":"x","shape":[1,28,28,1],"datatype":"FP32","data":`+string(x)+`}],"outputs":[{"name":"mean"},{"name":"image"}]}`, sentJSON))
	if len(got.Outputs) != 2 {
		t.Errorf("%+v", got)
	}
	for body, want := range map[string]string{
		`{"inputs":[]}`: "want one of z and x",
		`{"inputs":[{"name":"q","shape":[1],"datatype":"FP32","data":[1]}]}`:                                                               "no input",
		`{"inputs":[{"name":"z","shape":[1,2],"datatype":"INT8","data":[1,2]}]}`:                                                           "want FP32",
		`{"inputs":[{"name":"z","shape":[1,3],"datatype":"FP32","data":[1,2,3]}]}`:                                                         "rows of 2",
		`{"inputs":[{"name":"z","shape":[9000000000,9000000000],"datatype":"FP32","data":[1,2]}]}`:                                         "2 values",
		`{"inputs":[{"name":"z","shape":[-1,2],"datatype":"FP32","data":[1,2]}]}`:                                                          "the shape is",
		`{"inputs":[{"name":"z","shape":[1,2],"datatype":"FP32","parameters":{"binary_data_size":8}}]}`:                                    "0 bytes are left",
		`{"inputs":[{"name":"z","shape":[1,2],"datatype":"FP32","data":[1,2]}],"outputs":[{"name":"mean"}]}`:                               "no \\\"mean\\\" of these inputs",
		`{"inputs":[{"name":"z","shape":[1,2],"datatype":"FP32","data":[1,2]},{"name":"z","shape":[1,2],"datatype":"FP32","data":[1,2]}]}`: "given twice",
	} {
		if b := l.want(400, "POST", "/v2/models/cnn-vae/infer", body, sentJSON); !strings.Contains(string(b), want) {
			t.Errorf("%s: %s, want %q", body, b, want)
		}
	}
}
