// Package serve answers requests for trained models over HTTP. It is what imago serve runs, and a
// handler for a program of your own:
//
//	lib := serve.NewLibrary(serve.LibraryOptions{Backend: func() backend.Backend { return cpu.New(1) }})
//	err := lib.Add(ctx, "digits", func(be backend.Backend) (*train.Trained, error) {
//		return imago.OpenOn(be, "runs/cnn-vae-mnist-001")
//	})
//	s, err := serve.New(lib, serve.Options{})
//	err = s.Serve(ctx, listener) // or use s as an http.Handler
//
// openapi.json, which the server answers at /openapi.json, describes the API; tests hold the handlers
// to it. What it promises:
//
//   - The same request has the same answer, to the bit, whatever else is asked at the same time and
//     after a restart: rows of several clients are run together (package batch) by programs that give
//     the same bits. A sample is a function of the weights and the seed.
//   - Nothing is unbounded: the length and the time of a body, the items of a request, the requests and
//     rows that wait, the time of an answer, the memory of loaded models. What is too much is refused
//     with 413, 429 or 503, at once, and with Retry-After where a repetition makes sense.
//   - Errors are problem details (package problem). The server's own faults are told to Options.Log, and
//     not to the client.
//   - Other hosts, other origins and those without a token are refused (package guard).
//
// The package knows no concrete kind of model and no command line.
package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/imago-ml/imago/internal/memory"
	"github.com/imago-ml/imago/serve/guard"
	"github.com/imago-ml/imago/serve/metrics"
	"github.com/imago-ml/imago/serve/problem"
)

// Options are the limits of a Server, and who may ask it. The zero value is for programs of this machine.
type Options struct {
	Guard    guard.Options // MaxBody and Public are set by New; Policy "" = no page may run anything
	MaxBody  int64         // bytes of the body of a request; 0 = 32 MiB
	MaxItems int           // items of a request; 0 = 1024
	Requests int           // that are worked on or wait at a time; 0 = 512
	Timeout  time.Duration // of an answer; 0 = 30 s
	Grace    time.Duration // for requests in progress when the server ends; 0 = 10 s
	TLS      *tls.Config   // nil = HTTP
	Log      func(text string)
}

// A Server answers requests. Make one with New. It is an http.Handler, which is behind its guard.
type Server struct {
	lib     *Library
	opt     Options
	guard   *guard.Guard
	handler http.Handler
	working chan struct{} // a place for each request that is worked on
	ending  atomic.Bool
	figures figures
}

// New returns a server of the models of a library, which remains the caller's, and tells the server of its
// batches.
func New(lib *Library, opt Options) (*Server, error) {
	if opt.MaxBody <= 0 {
		opt.MaxBody = 32 << 20
	}
	if opt.MaxItems <= 0 {
		opt.MaxItems = 1024
	}
	if opt.Requests <= 0 {
		opt.Requests = 512
	}
	if opt.Timeout <= 0 {
		opt.Timeout = 30 * time.Second
	}
	if opt.Grace <= 0 {
		opt.Grace = 10 * time.Second
	}
	if opt.Log == nil {
		opt.Log = func(string) {}
	}
	opt.Guard.MaxBody = func(*http.Request) int64 { return opt.MaxBody }
	opt.Guard.Public = isHealth
	if opt.Guard.Policy == "" {
		opt.Guard.Policy = policy
	}
	g, err := guard.New(opt.Guard)
	if err != nil {
		return nil, err
	}
	s := &Server{lib: lib, opt: opt, guard: g, working: make(chan struct{}, opt.Requests)}
	s.figures.add(s)
	lib.observe(s.figures.batch)
	s.handler = s.measured(g.Wrap(s.routes()))
	return s, nil
}

// policy is the content security policy of a server without pages. It is short: with the other headers, the picture of
// a digit as float32 is written at once.
const policy = "default-src 'none'; frame-ancestors 'none'"

// isHealth reports whether a request is for the state of health, which needs no token.
func isHealth(r *http.Request) bool {
	switch r.URL.Path {
	case "/healthz", "/readyz", "/v2/health/live", "/v2/health/ready":
		return r.Method == http.MethodGet || r.Method == http.MethodHead
	}
	return false
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Serve answers the requests of a listener until ctx ends. Then it takes no more, waits up to Options.Grace
// for those in progress, and returns nil, or an error if it had to cut some.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	server := s.guard.Server(http.NotFoundHandler())
	server.Handler = s
	server.ErrorLog = logger(s.opt.Log)
	if s.opt.TLS != nil {
		server.TLSConfig = s.opt.TLS
	}
	ended := make(chan error, 1)
	go func() {
		if s.opt.TLS != nil {
			ended <- server.ServeTLS(listener, "", "")
		} else {
			ended <- server.Serve(listener)
		}
	}()
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	s.ending.Store(true)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.opt.Grace)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		server.Close()
		return fmt.Errorf("serve: requests were cut that took more than %v to end", s.opt.Grace)
	}
	return nil
}

// routes returns the handlers by path.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.live)
	mux.HandleFunc("GET /readyz", s.ready)
	mux.Handle("GET /metrics", &s.figures.registry)
	mux.HandleFunc("GET /openapi.json", openAPI)
	mux.HandleFunc("GET /v1/models", s.models)
	mux.HandleFunc("GET /v1/models/{model}", s.model)
	for _, route := range []struct {
		method, name string
		work         work
	}{
		{"GET", "sample", s.sample}, {"POST", "decode", s.decode}, {"POST", "encode", s.encode}, {"POST", "reconstruct", s.reconstruct},
		{"POST", "interpolate", s.interpolate}, {"POST", "edit", s.edit}, {"POST", "score", s.score},
	} {
		mux.HandleFunc(route.method+" /v1/models/{model}/"+route.name, s.handle(route.work))
		mux.HandleFunc(route.method+" /v1/"+route.name, s.handle(route.work))
	}
	s.addKServe(mux)
	mux.HandleFunc("/", otherwise(mux))
	return mux
}

// otherwise returns the handler of what is on no path: 405 if it is there for another method, else 404.
func otherwise(mux *http.ServeMux) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			other := r.Clone(r.Context())
			other.Method = method
			if _, pattern := mux.Handler(other); pattern != "/" && pattern != "" {
				w.Header().Set("Allow", method)
				problem.Write(w, problem.New(http.StatusMethodNotAllowed, "%s is not for %s: want %s", r.URL.Path, r.Method, method).Of("method", r.Method))
				return
			}
		}
		problem.Write(w, problem.New(http.StatusNotFound, "there is no %s", r.URL.Path).Of("path", r.URL.Path).Do("GET /openapi.json lists what there is"))
	}
}

// A work is a handler that computes with a model.
type work func(w http.ResponseWriter, r *http.Request, m *Model) error

// handle returns the handler of a work on the model that the path names, or the first: within the limits
// on time and on requests at a time.
func (s *Server) handle(h work) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := s.do(w, r, r.PathValue("model"), h); err != nil {
			s.fail(w, r, err)
		}
	}
}

// do runs a work on a model; "" is the first.
func (s *Server) do(w http.ResponseWriter, r *http.Request, name string, h work) error {
	if r.Method == http.MethodPost {
		if err := hold(r); err != nil {
			return err
		}
	}
	select {
	case s.working <- struct{}{}:
		defer func() { <-s.working }()
	default:
		return problem.New(http.StatusTooManyRequests, "%d requests are worked on", cap(s.working)).After(time.Second)
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.opt.Timeout)
	defer cancel()
	if name == "" {
		names := s.lib.Names()
		if len(names) == 0 {
			return problem.New(http.StatusServiceUnavailable, "no model is served").After(time.Second)
		}
		name = names[0]
	}
	m, release, err := s.lib.Open(ctx, name)
	if err != nil {
		return err
	}
	defer release()
	return h(w, r.WithContext(ctx), m)
}

// clientGone is the status in /metrics of a request whose client did not wait for the answer, as nginx has it.
const clientGone = 499

// fail answers with an error.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var p *problem.Problem
	var long *http.MaxBytesError
	var room *memory.Error
	switch {
	case errors.As(err, &p) || errors.As(err, &long):
	case errors.As(err, &room):
		err = noMemory(err)
	case errors.Is(err, context.DeadlineExceeded):
		err = problem.New(http.StatusServiceUnavailable, "no answer within %v", s.opt.Timeout).Do("ask for fewer items, or later").After(time.Second)
	case errors.Is(err, context.Canceled) || r.Context().Err() != nil:
		w.WriteHeader(clientGone)
		return
	default:
		s.opt.Log(fmt.Sprintf("%s %s: %v", r.Method, strconv.QuoteToASCII(r.URL.Path), err))
	}
	problem.Write(w, err)
}

func (s *Server) live(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	fmt.Fprintln(w, "ok")
}

// ready answers whether requests are taken: not while the server ends, nor without a model.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	if err := s.notReady(); err != nil {
		problem.Write(w, err)
		return
	}
	s.live(w, r)
}

// notReady returns why no requests are to be sent, or nil.
func (s *Server) notReady() error {
	switch {
	case s.ending.Load():
		return problem.New(http.StatusServiceUnavailable, "the server ends").After(time.Second)
	case len(s.lib.Names()) == 0:
		return problem.New(http.StatusServiceUnavailable, "no model is served").After(time.Second)
	}
	return nil
}

// figures are what /metrics answers.
type figures struct {
	registry        metrics.Registry
	requests        metrics.Counter
	seconds         metrics.Histogram
	rows, size, ran metrics.Histogram
	inFlight        atomic.Int64
}

func (f *figures) add(s *Server) {
	r := &f.registry
	f.requests = r.Counter("imago_http_requests_total", "Requests answered.", "route", "status")
	f.seconds = r.Histogram("imago_http_request_duration_seconds", "Time from the headers of a request to the end of its answer.",
		[]float64{.00025, .0005, .001, .002, .004, .008, .016, .032, .064, .128, .256, .512, 1, 2, 4, 8, 16, 32}, "route")
	f.rows = r.Histogram("imago_batch_rows", "Rows that were run together.", []float64{1, 2, 4, 8, 16, 32, 64}, "model", "function")
	f.size = r.Histogram("imago_batch_size", "Rows of the program that ran them.", []float64{1, 2, 4, 8, 16, 32, 64}, "model", "function")
	f.ran = r.Histogram("imago_batch_duration_seconds", "Time that a batch ran.",
		[]float64{.0001, .0002, .0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5}, "model", "function")
	value := func(name, help string, read func() float64) {
		r.Value(name, help, nil, func(yield func(float64, ...string)) { yield(read()) })
	}
	value("imago_http_requests_in_flight", "Requests that are being answered.", func() float64 { return float64(f.inFlight.Load()) })
	value("imago_http_requests_limit", "Requests that are worked on at most.", func() float64 { return float64(cap(s.working)) })
	r.Value("imago_queue_rows", "Rows that wait for a batch.", []string{"model"}, s.lib.eachWaiting)
	value("imago_models_loaded", "Models in memory.", func() float64 { n, _, _, _ := s.lib.inUse(); return float64(n) })
	value("imago_models_bytes", "Memory that loaded models take.", func() float64 { _, b, _, _ := s.lib.inUse(); return float64(b) })
	value("imago_models_bytes_limit", "Memory that loaded models may take.", func() float64 { return float64(s.lib.opt.Memory) })
	value("imago_model_loads", "How often a model was loaded.", func() float64 { _, _, n, _ := s.lib.inUse(); return float64(n) })
	value("imago_model_drops", "How often a model was dropped to make room.", func() float64 { _, _, _, n := s.lib.inUse(); return float64(n) })
	value("imago_heap_bytes", "Memory that the heap holds.", func() float64 { return float64(memory.InUse()) })
}

// batch counts a batch.
func (f *figures) batch(model, function string, rows, size int, took time.Duration) {
	f.rows.Observe(float64(rows), model, function)
	f.size.Observe(float64(size), model, function)
	f.ran.Observe(took.Seconds(), model, function)
}

// A recorder keeps the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader keeps the status.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap returns the writer below, for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// measured counts the requests of a handler, and their time.
func (s *Server) measured(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := &s.figures
		f.inFlight.Add(1)
		defer f.inFlight.Add(-1)
		began := time.Now()
		rec := &recorder{ResponseWriter: w}
		h.ServeHTTP(rec, r)
		route := r.Pattern // "" of what the guard refused
		if route == "" {
			route = "refused"
		}
		if rec.status == 0 {
			rec.status = http.StatusOK
		}
		f.requests.Add(1, route, strconv.Itoa(rec.status))
		f.seconds.Observe(time.Since(began).Seconds(), route)
	})
}
