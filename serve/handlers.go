package serve

import (
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/internal/buildinfo"
	"github.com/imago-ml/imago/serve/problem"
)

//go:embed openapi.json
var document []byte

// openAPI answers with the description of the API.
func openAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", typeJSON)
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(document) // a client that has gone is no fault of the server
}

// logger returns a logger that tells f of each line, for the faults of connections.
func logger(f func(text string)) *log.Logger { return log.New(lines(f), "", 0) }

type lines func(text string)

// Write tells of a line.
func (f lines) Write(b []byte) (int, error) {
	f(strings.TrimRight(string(b), "\n"))
	return len(b), nil
}

// models answers with the list of models.
func (s *Server) models(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, map[string]any{"models": s.lib.About()})
}

// model answers with what one model is, whether it is loaded or not.
func (s *Server) model(w http.ResponseWriter, r *http.Request) {
	all, name := s.lib.About(), r.PathValue("model")
	if i := slices.IndexFunc(all, func(a About) bool { return a.Name == name }); i >= 0 {
		writeJSON(w, all[i])
		return
	}
	problem.Write(w, notFound(name, s.lib.Names()))
}

// writeJSON answers with a value as JSON.
func writeJSON(w http.ResponseWriter, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		problem.Write(w, err)
		return
	}
	w.Header().Set("Content-Type", typeJSON)
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(append(b, '\n')) // a client that has gone is no fault of the server
}

// checkQuery returns the problem of a parameter that is none of known.
func checkQuery(r *http.Request, known ...string) error {
	for name, values := range r.URL.Query() {
		if !slices.Contains(known, name) {
			return problem.New(http.StatusBadRequest, "no parameter %q; there is %s", name, strings.Join(known, ", ")).Of(name, values[0])
		}
	}
	return nil
}

// sample answers with items that are drawn with a seed.
func (s *Server) sample(w http.ResponseWriter, r *http.Request, m *Model) error {
	if err := checkQuery(r, "seed", "n", "label", "cols", "format"); err != nil {
		return err
	}
	q := r.URL.Query()
	kind, err := negotiate(r, m.types(true, true))
	if err != nil {
		return err
	}
	seed, given, err := whole(q, "seed")
	if err != nil {
		return err
	}
	if !given {
		var b [8]byte
		rand.Read(b[:])                                       // it never fails
		seed = binary.LittleEndian.Uint64(b[:]) & (1<<53 - 1) // exact in a number of JavaScript
	}
	n, given2, err := whole(q, "n")
	switch {
	case err != nil:
		return err
	case !given2:
		n = 1
	case n < 1:
		return problem.New(http.StatusBadRequest, "n is 0: want 1 or more").Of("n", "0")
	case n > uint64(s.opt.MaxItems):
		return problem.New(http.StatusRequestEntityTooLarge, "n is %d, and a request may be for %d items", n, s.opt.MaxItems).Of("n", q.Get("n")).Do("ask for them in several requests")
	}
	cols, _, err := whole(q, "cols")
	if err != nil {
		return err
	}
	asked := &body{}
	if l := q["label"]; l != nil {
		asked.Label = splitLabels(l)
	}
	labels, err := m.labelRows(asked, int(n), m.Input().Labels)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Add("Vary", "Accept")
	h.Set("X-Imago-Seed", strconv.FormatUint(seed, 10))
	if given {
		tag := m.tag("sample", seed, n, cols, labels, kind)
		h.Set("ETag", tag)
		scope := "public"
		if s.opt.Guard.Token != "" {
			scope = "private"
		}
		h.Set("Cache-Control", scope+", max-age=60") // then it is asked whether the model is the same
		if matches(r.Header.Get("If-None-Match"), tag) {
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
	}
	items, codes, err := m.Sample(r.Context(), seed, int(n), labels)
	if err != nil {
		return err
	}
	a := &answer{m: m, items: true, arrays: []array{m.itemsOf(items)}, more: []field{{"seed", seed}}, head: map[string]string{}, cols: int(min(cols, uint64(s.opt.MaxItems)))}
	if codes != nil {
		a.arrays = append(a.arrays, m.codesOf(codes))
	}
	return a.write(w, kind)
}

// tag returns the entity tag of an answer that depends on the weights and on parts.
func (m *Model) tag(parts ...any) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %s %q", buildinfo.Version(), m.be.Arithmetic(), m.about.Fingerprint, fmt.Sprint(parts...)))
	return `"` + hex.EncodeToString(sum[:12]) + `"`
}

// matches reports whether a list of entity tags has one.
func matches(list, tag string) bool {
	for part := range strings.SplitSeq(list, ",") {
		if part = strings.TrimPrefix(strings.TrimSpace(part), "W/"); part == tag || part == "*" {
			return true
		}
	}
	return false
}

// decode answers with the items of codes.
func (s *Server) decode(w http.ResponseWriter, r *http.Request, m *Model) error {
	q, kind, err := s.begin(r, m, true, "codes", "seeds", "label", "labels")
	if err != nil {
		return err
	}
	codes, err := s.codes(r, m, q)
	if err != nil {
		return err
	}
	labels, err := m.labelRows(q, len(codes)/m.Latent(), m.DecodeLabels())
	if err != nil {
		return err
	}
	items, err := m.Decode(r.Context(), codes, labels)
	if err != nil {
		return err
	}
	return s.answerItems(w, m, kind, items)
}

// begin reads a request for an answer of items or of numbers.
func (s *Server) begin(r *http.Request, m *Model, items bool, allowed ...string) (*body, string, error) {
	if r.URL.RawQuery != "" {
		if err := checkQuery(r, "label", "format", "cols"); err != nil {
			return nil, "", err
		}
	}
	kind, err := negotiate(r, m.types(items, false))
	if err != nil {
		return nil, "", err
	}
	q, err := s.readBody(r, m, allowed)
	return q, kind, err
}

// answerItems answers with items and other arrays.
func (s *Server) answerItems(w http.ResponseWriter, m *Model, kind string, items []float32, more ...array) error {
	a := &answer{m: m, items: true, arrays: append([]array{m.itemsOf(items)}, more...), head: map[string]string{}}
	return a.write(w, kind)
}

// encode answers with the codes of items.
func (s *Server) encode(w http.ResponseWriter, r *http.Request, m *Model) error {
	q, kind, err := s.begin(r, m, false, "items", "files", "label", "labels")
	if err != nil {
		return err
	}
	items, labels, err := s.itemsAndLabels(m, q)
	if err != nil {
		return err
	}
	mean, logVar, err := m.Encode(r.Context(), items, labels)
	if err != nil {
		return err
	}
	a := &answer{m: m, arrays: []array{m.codesOf(mean)}}
	if logVar != nil {
		x := m.codesOf(logVar)
		x.name = "log_var"
		a.arrays = append(a.arrays, x)
	}
	return a.write(w, kind)
}

func (s *Server) itemsAndLabels(m *Model, q *body) (items, labels []float32, err error) {
	if items, err = s.items(m, q); err == nil {
		labels, err = m.labelRows(q, len(items)/m.Item().Size(), m.Input().Labels)
	}
	return items, labels, err
}

// reconstruct answers with items as they are decoded from their codes.
func (s *Server) reconstruct(w http.ResponseWriter, r *http.Request, m *Model) error {
	q, kind, err := s.begin(r, m, true, "items", "files", "label", "labels")
	if err != nil {
		return err
	}
	items, labels, err := s.itemsAndLabels(m, q)
	if err != nil {
		return err
	}
	made, err := m.Reconstruct(r.Context(), items, labels)
	if err != nil {
		return err
	}
	return s.answerItems(w, m, kind, made)
}

// paths are the ways between codes by name.
var paths = map[string]latent.Interpolation{"": latent.Linear, "linear": latent.Linear, "spherical": latent.Spherical}

// interpolate answers with the items on the way from each code to the next.
func (s *Server) interpolate(w http.ResponseWriter, r *http.Request, m *Model) error {
	q, kind, err := s.begin(r, m, true, "codes", "seeds", "items", "files", "label", "labels", "steps", "path")
	if err != nil {
		return err
	}
	stops, err := s.codes(r, m, q)
	if err != nil {
		return err
	}
	n, way := len(stops)/m.Latent(), paths[q.Path]
	if q.Steps == 0 {
		q.Steps = 9
	}
	switch {
	case way == nil:
		return problem.New(http.StatusBadRequest, "path is %q: want linear or spherical", q.Path).Of("path", q.Path)
	case n < 2:
		return problem.New(http.StatusBadRequest, "one code: want two or more, to go from each to the next").Of("codes", "")
	case q.Steps < 2 || q.Steps > s.opt.MaxItems || (n-1)*(q.Steps-1)+1 > s.opt.MaxItems:
		return problem.New(http.StatusBadRequest, "steps is %d: want 2 or more from a code to the next, and at most %d items in all", q.Steps, s.opt.MaxItems).Of("steps", strconv.Itoa(q.Steps))
	}
	k := m.DecodeLabels()
	given, err := m.labelRows(q, n, k)
	if err != nil {
		return err
	}
	codes, err := between(way, stops, m.Latent(), q.Steps)
	if err != nil {
		return err
	}
	var labels []float32
	if given != nil {
		if labels, err = between(latent.Linear, given, k, q.Steps); err != nil {
			return err
		}
	}
	items, err := m.Decode(r.Context(), codes, labels)
	if err != nil {
		return err
	}
	return s.answerItems(w, m, kind, items, m.codesOf(codes))
}

// between returns the way through stops, (S, units): from each to the next so many codes, both included.
//
// → ((S−1)·(steps−1)+1, units).
func between(way latent.Interpolation, stops []float32, units, steps int) ([]float32, error) {
	var all []float32
	for at := 0; at+2*units <= len(stops); at += units {
		leg, err := latent.Interpolate(way, stops[at:at+units], stops[at+units:at+2*units], steps)
		if err != nil {
			return nil, problem.New(http.StatusBadRequest, "codes: %v", err).Of("codes", "")
		}
		if at > 0 {
			leg = leg[units:]
		}
		all = append(all, leg...)
	}
	return all, nil
}

// edit answers with the items of codes that are moved along a direction, once for each strength, or some of
// whose units are set.
func (s *Server) edit(w http.ResponseWriter, r *http.Request, m *Model) error {
	q, kind, err := s.begin(r, m, true, "codes", "seeds", "items", "files", "label", "labels", "direction", "attribute", "method", "strengths", "units")
	if err != nil {
		return err
	}
	codes, err := s.codes(r, m, q)
	if err != nil {
		return err
	}
	n, z := len(codes)/m.Latent(), m.Latent()
	labels, err := m.labelRows(q, n, m.DecodeLabels())
	if err != nil {
		return err
	}
	moved, times, err := s.move(m, q, codes)
	if err != nil {
		return err
	}
	if n*times > s.opt.MaxItems {
		return tooMany("strengths", n*times, s.opt.MaxItems)
	}
	var repeated []float32
	for i := range n {
		for range times {
			if labels != nil {
				k := len(labels) / n
				repeated = append(repeated, labels[i*k:(i+1)*k]...)
			}
		}
	}
	for i, v := range moved {
		if v-v != 0 {
			return problem.New(http.StatusBadRequest, "strengths: they move unit %d of a code to %v: want less", i%z, v).Of("strengths", fmt.Sprint(q.By))
		}
	}
	items, err := m.Decode(r.Context(), moved, repeated)
	if err != nil {
		return err
	}
	return s.answerItems(w, m, kind, items, m.codesOf(moved))
}

// move returns the codes of an edit, (N·times, Z).
func (s *Server) move(m *Model, q *body, codes []float32) (moved []float32, times int, err error) {
	z := m.Latent()
	moved = slices.Clone(codes)
	for name, v := range q.Units {
		u, err := strconv.Atoi(name)
		if err != nil || u < 0 || u >= z {
			return nil, 0, problem.New(http.StatusBadRequest, "units: no unit %q: want 0 to %d", name, z-1).Of("units", name)
		}
		for at := u; at < len(moved); at += z {
			moved[at] = v
		}
	}
	var d latent.Direction
	switch {
	case q.Way != nil && q.Attr != "":
		return nil, 0, problem.New(http.StatusBadRequest, "both direction and attribute: want one of them").Of("direction", "")
	case !slices.Contains([]string{"", latent.ByMean, latent.ByPartial, latent.ByUnit}, q.Method):
		return nil, 0, problem.New(http.StatusBadRequest, "method is %q: want mean, partial or unit", q.Method).Of("method", q.Method)
	case q.Attr != "":
		if d, err = m.Direction(q.Attr, q.Method); err != nil {
			return nil, 0, err
		}
	case q.Way != nil:
		if len(q.Way) != z {
			return nil, 0, problem.New(http.StatusBadRequest, "direction: %d numbers: want %d, one for each unit", len(q.Way), z).Of("direction", strconv.Itoa(len(q.Way)))
		}
	case len(q.Units) == 0:
		return nil, 0, problem.New(http.StatusBadRequest, "no change: want units, direction or attribute").Of("units", "")
	default:
		if q.By != nil {
			return nil, 0, problem.New(http.StatusBadRequest, "strengths are of a direction or an attribute, and neither is given").Of("strengths", "")
		}
		return moved, 1, nil
	}
	if q.By == nil {
		q.By = []float64{1}
	}
	if len(q.By) == 0 || len(q.By) > s.opt.MaxItems {
		return nil, 0, problem.New(http.StatusBadRequest, "%d strengths: want 1 to %d", len(q.By), s.opt.MaxItems).Of("strengths", "")
	}
	if n := len(moved) / z * len(q.By); n > s.opt.MaxItems {
		return nil, 0, tooMany("strengths", n, s.opt.MaxItems)
	}
	var all []float32
	for at := 0; at < len(moved); at += z {
		code := moved[at : at+z]
		if q.Attr != "" {
			all = append(all, d.Move(code, q.By)...)
			continue
		}
		for _, by := range q.By {
			for u, v := range code {
				all = append(all, v+float32(by*float64(q.Way[u])))
			}
		}
	}
	return all, len(q.By), nil
}

// score answers with the anomaly scores of items.
func (s *Server) score(w http.ResponseWriter, r *http.Request, m *Model) error {
	q, kind, err := s.begin(r, m, false, "items", "files")
	if err != nil {
		return err
	}
	items, err := s.items(m, q)
	if err != nil {
		return err
	}
	scores, limits, err := m.Score(r.Context(), items)
	if err != nil {
		return err
	}
	n := len(items) / m.Item().Size()
	values, names := make([]float32, n*len(scores)), make([]string, len(scores))
	for k, one := range scores {
		names[k] = one.Name
		for i, v := range one.Values {
			values[i*len(scores)+k] = float32(max(-math.MaxFloat32, min(math.MaxFloat32, v)))
		}
	}
	a := &answer{m: m, arrays: []array{{"scores", values, []int{n, len(scores)}}}, more: []field{{"names", names}, {"thresholds", limits}}}
	return a.write(w, kind)
}
