package studio

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/http"
	"path"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/imago-ml/imago/export/browser"
	"github.com/imago-ml/imago/internal/buildinfo"
	"github.com/imago-ml/imago/internal/memory"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/internal/screen"
	"github.com/imago-ml/imago/serve/problem"
)

//go:embed dist
var dist embed.FS

// bodyTime is how long a body may take to arrive: an upload of a gigabyte from a disk.
const bodyTime = 2 * time.Minute

// The most bytes of bodies: of JSON, and of a picture.
const (
	mostJSON    = 1 << 20
	mostPicture = 32 << 20
)

// maxBody returns the most bytes of the body of a request.
func maxBody(r *http.Request) int64 {
	switch {
	case strings.HasPrefix(r.URL.Path, "/v1/"), strings.HasPrefix(r.URL.Path, "/v2/"), strings.HasSuffix(r.URL.Path, "/own"), strings.HasSuffix(r.URL.Path, "/film"): // a film has codes
		return mostPicture
	case r.URL.Path == "/api/data/upload":
		return mostUpload
	}
	return mostJSON
}

// A fault is what a request has in place of an answer.
type fault struct {
	status int
	Title  string       `json:"title"`
	Fields []fieldFault `json:"fields"`
}

// A fieldFault is what is wrong with a field of a form.
type fieldFault struct {
	Field string `json:"field"`
	Text  string `json:"text"`
}

// Error returns the title.
func (f *fault) Error() string { return f.Title }

// faultf returns a fault.
func faultf(status int, format string, args ...any) error {
	return &fault{status: status, Title: fmt.Sprintf(format, args...), Fields: []fieldFault{}}
}

// handler returns all addresses of the server.
func (s *Studio) handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, answer := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /assets/{name}":                     s.getAsset,
		"GET /":                                  s.getPage,
		"GET /api/studio":                        s.getStudio,
		"GET /api/events":                        s.getEvents,
		"POST /api/watch":                        s.postWatch,
		"GET /api/runs":                          s.getRuns,
		"GET /api/runs/{id}":                     s.getRun,
		"GET /api/runs/{id}/curves":              s.getCurves,
		"GET /api/runs/{id}/model":               s.getModel,
		"GET /api/runs/{id}/weights":             s.getWeights,
		"GET /api/runs/{id}/codes":               s.getCodes,
		"POST /api/runs/{id}/codes":              s.postCodes,
		"GET /api/runs/{id}/items/{item}":        s.getItem,
		"GET /api/runs/{id}/samples.png":         s.getSamples,
		"GET /api/runs/{id}/reconstructions.png": s.getReconstructions,
		"GET /api/runs/{id}/thumbnail.png":       s.getThumbnail,
		"GET /api/runs/{id}/file/{name...}":      s.getFile,
		"POST /api/runs/{id}/stop":               s.stopRun,
		"POST /api/runs/{id}/pause":              s.pauseRun,
		"POST /api/runs/{id}/resume":             s.resumeRun,
		"PUT /api/runs/{id}":                     s.putRun,
		"DELETE /api/runs/{id}":                  s.deleteRun,
		"POST /api/undo/{token}":                 s.undo,
		"GET /api/jobs":                          s.getJobs,
		"POST /api/jobs":                         s.postJob,
		"POST /api/jobs/check":                   s.checkJob,
		"POST /api/jobs/{id}/remove":             s.removeJob,
		"PUT /api/jobs/{id}":                     s.moveJob,
		"GET /api/recipes":                       s.getRecipes,
		"GET /api/options":                       s.getOptions,
		"GET /api/data":                          s.getData,
		"GET /api/data/look":                     s.getLook,
		"GET /api/data/preview.png":              s.getPreview,
		"POST /api/data/upload":                  s.postUpload,
		"GET /api/browse":                        s.getBrowse,
		"GET /v1/":                               s.getAPI,
		"POST /v1/":                              s.getAPI,
		"GET /v2/":                               s.getAPI,
		"POST /v2/":                              s.getAPI,
		"GET /openapi.json":                      s.getAPI,
		"GET /api/runs/{id}/directions":          s.getDirections,
		"GET /api/runs/{id}/projection":          s.getProjection,
		"POST /api/runs/{id}/own":                s.postOwn,
		"POST /api/runs/{id}/film":               s.postFilm,
		"GET /api/runs/{id}/judge":               s.getQuality,
		"POST /api/runs/{id}/judge":              s.postQuality,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "no-cache")
			if err := answer(w, r); err != nil {
				s.writeFault(w, r, err)
			}
		})
	}
	return mux
}

// writeFault answers a request with its fault. A fault of the server is written to the terminal too.
func (s *Studio) writeFault(w http.ResponseWriter, r *http.Request, err error) {
	var f *fault
	var short *memory.Error
	var long *http.MaxBytesError
	var of *problem.Problem
	switch {
	case errors.As(err, &f):
	case errors.As(err, &of): // of the guard, while the body was read
		f = &fault{status: of.Status, Title: of.Detail}
	case errors.As(err, &short):
		f = &fault{status: http.StatusInsufficientStorage, Title: s.text(err)}
	case errors.As(err, &long):
		f = &fault{status: http.StatusRequestEntityTooLarge, Title: fmt.Sprintf("this is longer than %s", memory.Size(long.Limit))}
	case errors.Is(err, fs.ErrNotExist):
		f = &fault{status: http.StatusNotFound, Title: s.text(err)}
	default:
		f = &fault{status: http.StatusInternalServerError, Title: s.text(err)}
		if r.Context().Err() != nil { // the client has gone, and with it the work
			return
		}
		s.logf("%s %s: %s", r.Method, screen.Name(r.URL.Path), s.text(err))
	}
	if f.Fields == nil {
		f.Fields = []fieldFault{}
	}
	h := w.Header()
	h.Del("ETag")
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(f.status)
	_ = json.NewEncoder(w).Encode(f) // a client that has gone is no fault of the server
}

// text returns the text of an error with flags in place of the fields that it names, on one line.
func (s *Studio) text(err error) string {
	return screen.Text(strings.Join(strings.Fields(option.Text(err, s.opt.OptionName)), " "))
}

// writeJSON answers with a value.
func writeJSON(w http.ResponseWriter, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("studio: %w", err)
	}
	return writeBytes(w, "application/json", b)
}

// writeBytes answers with bytes of a type. A client that has gone is no fault.
func writeBytes(w http.ResponseWriter, kind string, b []byte) error {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	_, _ = w.Write(b)
	return nil
}

// unchanged reports whether the client has what has this tag, and answers so; else it sets the tag.
func unchanged(w http.ResponseWriter, r *http.Request, tag string) bool {
	tag = strconv.Quote(tag)
	w.Header().Set("ETag", tag)
	if !strings.Contains(r.Header.Get("If-None-Match"), tag) {
		return false
	}
	w.WriteHeader(http.StatusNotModified)
	return true
}

// readJSON reads the body of a request.
func readJSON(r *http.Request, into any) error {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return faultf(http.StatusBadRequest, "the request is not what the studio reads: %v", err)
	}
	return nil
}

// queryInt returns a number of the query of a request, from low to high; initial if it has none.
func queryInt(r *http.Request, name string, initial, low, high int) (int, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return initial, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		return 0, faultf(http.StatusBadRequest, "%s is %q: want a whole number from %d to %d", name, text, low, high)
	}
	return n, nil
}

// kinds are the types of files by their extensions: a browser is to believe no other.
var kinds = map[string]string{
	".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8", ".svg": "image/svg+xml",
	".png": "image/png", ".gif": "image/gif", ".jpg": "image/jpeg", ".woff2": "font/woff2", ".wasm": "application/wasm",
	".json": "application/json", ".jsonl": "text/plain; charset=utf-8", ".csv": "text/plain; charset=utf-8", ".txt": "text/plain; charset=utf-8",
}

// getAsset answers with a part of the page.
func (s *Studio) getAsset(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	if name == "runtime.js" {
		return s.writeAsset(w, r, name, []byte(browser.Runtime))
	}
	b, err := dist.ReadFile("dist/" + name)
	if err != nil {
		return faultf(http.StatusNotFound, "the page has no part %s", name)
	}
	return s.writeAsset(w, r, name, b)
}

func (s *Studio) writeAsset(w http.ResponseWriter, r *http.Request, name string, b []byte) error {
	if unchanged(w, r, digest(b)) {
		return nil
	}
	return writeBytes(w, kinds[path.Ext(name)], b)
}

// views are the first parts of the addresses of the page: router.ts has them.
var views = map[string]bool{"": true, "run": true, "explore": true, "own": true, "judge": true, "compare": true, "start": true, "learn": true}

// getPage answers with the page, whatever its view.
func (s *Studio) getPage(w http.ResponseWriter, r *http.Request) error {
	view, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if !views[view] {
		return faultf(http.StatusNotFound, "the studio has nothing at %s", r.URL.Path)
	}
	b, err := dist.ReadFile("dist/index.html")
	if err != nil {
		return err
	}
	return s.writeAsset(w, r, "index.html", b)
}

// A studioAnswer says what the studio is, for the page.
type studioAnswer struct {
	Version   string `json:"version"`
	Root      string `json:"root"`
	Folder    string `json:"folder"`
	Cores     int    `json:"cores"`
	Processor string `json:"processor"`
	Memory    int64  `json:"memory"` // bytes of the budget
}

func (s *Studio) getStudio(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, studioAnswer{buildinfo.Version(), s.opt.Root, s.opt.Folder, runtime.GOMAXPROCS(0), buildinfo.Processor(), memory.Limit()})
}

// A number is a float64 whose JSON is null if it is not finite.
type number float64

// MarshalJSON returns the number or null.
func (n number) MarshalJSON() ([]byte, error) {
	if v := float64(n); math.IsNaN(v) || math.IsInf(v, 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// milliseconds returns a time as the page has it, 0 of the zero time.
func milliseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
