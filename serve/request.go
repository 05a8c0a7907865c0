package serve

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/safetensors"
	"github.com/imago-ml/imago/internal/memory"
	"github.com/imago-ml/imago/serve/problem"
)

// The media types of bodies.
const (
	typeJSON        = "application/json"
	typeRaw         = "application/octet-stream"
	typeSafetensors = "application/vnd.safetensors"
	typePNG         = "image/png"
)

// shapeHeader is the header with the shape of raw values, as 2,28,28,1.
const shapeHeader = "X-Imago-Shape"

// A numbers is an array of numbers of JSON, of any shape.
type numbers struct {
	values []float32
	shape  []int
}

// maxDepth is how deep arrays of numbers may be nested.
const maxDepth = 6

// UnmarshalJSON reads nested arrays of numbers, all of one shape.
func (n *numbers) UnmarshalJSON(b []byte) error {
	n.values, n.shape = []float32{}, nil
	var count [maxDepth]int // of the arrays that are open
	depth, full := 0, -1    // full: the depth of numbers, known from the first
	for i := 0; i < len(b); {
		switch c := b[i]; {
		case c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == ',':
			i++
		case c == '[':
			if depth == maxDepth {
				return fmt.Errorf("arrays nested deeper than %d", maxDepth)
			}
			if depth > 0 {
				count[depth-1]++
			}
			count[depth] = 0
			depth++
			i++
		case c == ']':
			depth--
			for len(n.shape) <= depth {
				n.shape = append(n.shape, -1)
			}
			if n.shape[depth] >= 0 && n.shape[depth] != count[depth] {
				return fmt.Errorf("arrays of %d and of %d beside each other: want all of one length", n.shape[depth], count[depth])
			}
			n.shape[depth] = count[depth]
			i++
		case c == '-' || c >= '0' && c <= '9':
			end := i + 1
			for end < len(b) && (b[end] >= '0' && b[end] <= '9' || strings.IndexByte("+-.eE", b[end]) >= 0) {
				end++
			}
			v, err := strconv.ParseFloat(string(b[i:end]), 32)
			if err != nil {
				return fmt.Errorf("the number %s: it is beyond float32", b[i:end])
			}
			if full < 0 {
				full = depth
			}
			if depth == 0 || depth != full {
				return errors.New("numbers and arrays beside each other, or a number alone: want arrays of numbers")
			}
			count[depth-1]++
			n.values = append(n.values, float32(v))
			i = end
		default:
			return fmt.Errorf("a %s among numbers", kindOf(c))
		}
	}
	if full >= 0 && full != len(n.shape) || slices.Contains(n.shape, -1) {
		return errors.New("numbers and arrays beside each other: want arrays of numbers")
	}
	return nil
}

// kindOf names what a value of JSON is by its first byte.
func kindOf(c byte) string {
	switch c {
	case '"':
		return "string"
	case '{':
		return "object"
	case 't', 'f':
		return "boolean"
	}
	return "null"
}

// A body is what a request says, in whatever form it came.
type body struct {
	Codes  numbers   `json:"codes"`
	Seeds  []uint64  `json:"seeds"`
	Items  numbers   `json:"items"`
	Files  []string  `json:"files"` // base64
	Label  label     `json:"label"`
	Labels []label   `json:"labels"`
	Steps  int       `json:"steps"`
	Path   string    `json:"path"`
	Way    []float32 `json:"direction"`
	Attr   string    `json:"attribute"`
	Method string    `json:"method"`
	By     []float64 `json:"strengths"`

	Units map[string]float32 `json:"units"`

	// hot is the labels of safetensors: (N, K).
	hot []float32
}

// A label is a class or attributes: a name, a number, or a list of names or numbers.
type label []string

// UnmarshalJSON reads a name, a number or a list of names and numbers.
func (l *label) UnmarshalJSON(b []byte) error {
	var one any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&one); err != nil {
		return err
	}
	list, ok := one.([]any)
	if !ok {
		list = []any{one}
	}
	*l = label{}
	for _, v := range list {
		switch v := v.(type) {
		case string:
			*l = append(*l, v)
		case json.Number:
			*l = append(*l, v.String())
		default:
			return errors.New("a label that is no name: want a class or attribute, or a list of them")
		}
	}
	return nil
}

// fields are those that a request may have, by their names in JSON.
type fields []string

// readBody reads the body of a request, of which these fields are allowed, in any of the forms that the API
// takes.
func (s *Server) readBody(r *http.Request, m *Model, allowed fields) (*body, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil && r.Header.Get("Content-Type") != "" {
		return nil, problem.New(http.StatusUnsupportedMediaType, "a Content-Type that is none: %v", err).Of("Content-Type", r.Header.Get("Content-Type"))
	}
	raw, err := readAll(r)
	if err != nil {
		return nil, err
	}
	q := &body{}
	if l := r.URL.Query()["label"]; l != nil {
		q.Label = splitLabels(l)
	}
	return q, m.parse(q, kind, raw, r.Header.Get(shapeHeader), allowed)
}

// splitLabels returns the labels of a query: label=Smiling,Male or label=Smiling&label=Male.
func splitLabels(values []string) label {
	var l label
	for _, v := range values {
		l = append(l, strings.Split(v, ",")...)
	}
	return l
}

// A held is a body that has been read.
type held struct {
	io.Reader
	b []byte
}

// Close does nothing.
func (held) Close() error { return nil }

// readAll reads the body of a request, for which there must be memory: for what has come, whatever length it says.
func readAll(r *http.Request) ([]byte, error) {
	if h, ok := r.Body.(held); ok {
		return h.b, nil
	}
	if n := r.ContentLength; n >= 0 {
		b, err := memory.ReadFull(r.Body, n, "a body of %d bytes", n)
		return b, bodyError(err)
	}
	var all bytes.Buffer
	for {
		if err := memory.Check(3*int64(all.Len())+memory.Small, "a body of more than %d bytes", all.Len()); err != nil {
			return nil, bodyError(err)
		}
		if _, err := io.CopyN(&all, r.Body, memory.Small); err == io.EOF {
			return all.Bytes(), nil
		} else if err != nil {
			return nil, bodyError(err)
		}
	}
}

// hold reads the body of a request, so that who sends it slowly keeps no place of those that are worked on.
func hold(r *http.Request) error {
	b, err := readAll(r)
	r.Body = held{bytes.NewReader(b), b}
	return err
}

// bodyError returns the problem of a body that could not be read.
func bodyError(err error) error {
	var p *problem.Problem
	var long *http.MaxBytesError
	var room *memory.Error
	switch {
	case err == nil || errors.As(err, &p) || errors.As(err, &long):
		return err
	case errors.As(err, &room):
		return noMemory(err)
	}
	return problem.New(http.StatusBadRequest, "the body ended early").Of("body", "")
}

// noMemory returns the problem of a request for which there is no memory now.
func noMemory(err error) error {
	return problem.New(http.StatusServiceUnavailable, "%v", err).Of("body", "").Do("send fewer items in a request")
}

// parse reads the bytes of a body. What the fields allow is not there beside them.
func (m *Model) parse(q *body, kind string, raw []byte, shape string, allowed fields) error {
	switch {
	case len(raw) == 0:
		return nil
	case kind == typeRaw:
		return m.parseRaw(q, raw, shape, allowed)
	case kind == typeSafetensors || kind == "application/safetensors":
		return m.parseTensors(q, raw, allowed)
	case kind == typeJSON || kind == "" || strings.HasSuffix(kind, "+json"):
		return parseJSON(q, raw, allowed)
	case slices.Contains(allowed, "items") && (strings.HasPrefix(kind, "image/") || kind == "text/csv" || kind == "application/x-npy"):
		values, err := m.decodeFile(raw)
		if err != nil {
			return problem.New(http.StatusBadRequest, "the body is no item of the model: %v", err).Of("body", "")
		}
		q.Items = numbers{values, []int{len(values)}}
		return nil
	}
	return problem.New(http.StatusUnsupportedMediaType, "a body of %q is not taken here", kind).Of("Content-Type", kind).
		Do("send " + typeJSON + ", " + typeRaw + " (little-endian float32) or " + typeSafetensors)
}

// decodeFile returns the items in a file of the model's medium.
func (m *Model) decodeFile(file []byte) ([]float32, error) {
	it := m.Item()
	if it.Medium == nil {
		return nil, errors.New("items of this model are in no medium that has files")
	}
	return it.Medium.Decode(it, file)
}

func (m *Model) parseRaw(q *body, raw []byte, shape string, allowed fields) error {
	if len(raw)%4 != 0 {
		return problem.New(http.StatusBadRequest, "%d bytes are no float32 values: want a multiple of 4", len(raw)).Of("body", "")
	}
	values := make([]float32, len(raw)/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	n := numbers{values, []int{len(values)}}
	if shape != "" {
		n.shape = nil
		size := 1
		for part := range strings.SplitSeq(shape, ",") {
			axis, err := strconv.Atoi(strings.TrimSpace(part))
			if err != nil || axis < 0 || axis > math.MaxInt32 || len(n.shape) > maxDepth {
				return problem.New(http.StatusBadRequest, "%s: want the axes with commas between, as 2,28,28,1", shapeHeader).Of(shapeHeader, shape)
			}
			n.shape, size = append(n.shape, axis), min(size*axis, math.MaxInt32)
		}
		if size != len(values) {
			return problem.New(http.StatusBadRequest, "the body has %d values, and %s says %s", len(values), shapeHeader, shape).Of(shapeHeader, shape)
		}
	}
	if slices.Contains(allowed, "codes") { // who takes both is given codes
		q.Codes = n
	} else {
		q.Items = n
	}
	return nil
}

func (m *Model) parseTensors(q *body, raw []byte, allowed fields) error {
	f, err := safetensors.NewReader("the body", bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return problem.New(http.StatusBadRequest, "%v", err).Of("body", "")
	}
	for _, in := range f.Infos() {
		name := in.Name
		if name != "labels" && !slices.Contains(allowed, name) || name != "codes" && name != "items" && name != "labels" {
			return problem.New(http.StatusBadRequest, "a tensor %q: want %s", name, strings.Join(tensorsOf(allowed), " or ")).Of(name, "")
		}
		t, err := f.Tensor(name)
		if err != nil {
			return problem.New(http.StatusBadRequest, "%v", err).Of(name, "")
		}
		if t.DType() != tensor.Float32 {
			return problem.New(http.StatusBadRequest, "the tensor %s is %v: want float32", name, t).Of(name, "")
		}
		switch name {
		case "codes":
			q.Codes = numbers{t.F32(), t.Shape()}
		case "items":
			q.Items = numbers{t.F32(), t.Shape()}
		default:
			q.hot = t.F32()
		}
	}
	return nil
}

// tensorsOf returns the fields that can be tensors.
func tensorsOf(allowed fields) []string {
	var names []string
	for _, f := range append(slices.Clone(allowed), "labels") {
		if f == "codes" || f == "items" || f == "labels" && !slices.Contains(names, f) {
			names = append(names, f)
		}
	}
	return names
}

func parseJSON(q *body, raw []byte, allowed fields) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	var given map[string]json.RawMessage
	if err := d.Decode(&given); err != nil {
		return problem.New(http.StatusBadRequest, "the body is no object of JSON: %v", err).Of("body", string(raw[:min(len(raw), 200)]))
	}
	if d.More() {
		return problem.New(http.StatusBadRequest, "the body goes on after its object of JSON").Of("body", "")
	}
	for name, value := range given {
		target := q.field(name)
		if target == nil || !slices.Contains(allowed, name) {
			names := strings.Join(allowed, ", ")
			return problem.New(http.StatusBadRequest, "no field %q%s; there is %s", name, data.DidYouMean(name, allowed), names).Of(name, string(value[:min(len(value), 200)]))
		}
		if err := json.Unmarshal(value, target); err != nil {
			return problem.New(http.StatusBadRequest, "%s: %s", name, strings.TrimPrefix(err.Error(), "json: ")).Of(name, string(value[:min(len(value), 200)]))
		}
	}
	return nil
}

// field returns where a field of JSON is read to, or nil.
func (q *body) field(name string) any {
	return map[string]any{
		"codes": &q.Codes, "seeds": &q.Seeds, "items": &q.Items, "files": &q.Files, "label": &q.Label, "labels": &q.Labels,
		"steps": &q.Steps, "path": &q.Path, "direction": &q.Way, "attribute": &q.Attr, "method": &q.Method, "strengths": &q.By, "units": &q.Units,
	}[name]
}

// rows returns the values of a field as rows of so many, all of them finite.
func (n numbers) rows(field string, width, most int, what string) ([]float32, error) {
	count := len(n.values) / max(1, width)
	ok := len(n.values) > 0 && len(n.values)%max(1, width) == 0
	if len(n.shape) > 1 {
		size := 1
		for _, axis := range n.shape[1:] {
			size *= axis
		}
		ok = ok && size == width
	}
	if !ok {
		return nil, problem.New(http.StatusBadRequest, "%s: an array of %v: want one or more rows of %d, %s", field, n.shape, width, what).Of(field, fmt.Sprint(n.shape))
	}
	if count > most {
		return nil, tooMany(field, count, most)
	}
	for i, v := range n.values {
		if v-v != 0 { // ∞ − ∞ is NaN
			return nil, problem.New(http.StatusBadRequest, "%s: value %d of row %d is %v: want finite numbers", field, i%width, i/width, v).Of(field, fmt.Sprint(v))
		}
	}
	return n.values, nil
}

// tooMany returns the problem of a request for too many items.
func tooMany(field string, n, most int) error {
	return problem.New(http.StatusRequestEntityTooLarge, "%s: %d of them, and a request may have %d", field, n, most).Of(field, strconv.Itoa(n)).Do("ask for them in several requests")
}

// items returns the items of a request, (N, Shape…).
func (s *Server) items(m *Model, q *body) ([]float32, error) {
	n := q.Items
	if len(q.Files) > 0 {
		if n.values != nil {
			return nil, problem.New(http.StatusBadRequest, "both items and files: want one of them").Of("files", "")
		}
		if len(q.Files) > s.opt.MaxItems {
			return nil, tooMany("files", len(q.Files), s.opt.MaxItems)
		}
		for i, text := range q.Files {
			field := fmt.Sprintf("files[%d]", i)
			file, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				return nil, problem.New(http.StatusBadRequest, "%s: no base64: %v", field, err).Of(field, text)
			}
			values, err := m.decodeFile(file)
			if err != nil {
				return nil, problem.New(http.StatusBadRequest, "%s: %v", field, err).Of(field, "")
			}
			n.values = append(n.values, values...)
		}
		n.shape = []int{len(n.values)}
	}
	if n.values == nil {
		return nil, problem.New(http.StatusBadRequest, "no items: want items, values of shape %v each, or files", m.Item()).Of("items", "")
	}
	values, err := n.rows("items", m.Item().Size(), s.opt.MaxItems, fmt.Sprintf("an item of shape %v", m.Item()))
	if err != nil {
		return nil, err
	}
	if m.Item().Element == medium.Levels {
		for i, v := range values {
			if v < 0 || v > 1 {
				return nil, problem.New(http.StatusBadRequest, "items: value %d is %v: want pixels from 0 to 1, that is, bytes divided by 255", i, v).Of("items", fmt.Sprint(v))
			}
		}
	}
	return values, nil
}

// codes returns the codes of a request, (N, Z): codes, those of seeds, or the means of items.
func (s *Server) codes(r *http.Request, m *Model, q *body) ([]float32, error) {
	given := 0
	for _, have := range []bool{q.Codes.values != nil, q.Seeds != nil, q.Items.values != nil || q.Files != nil} {
		if have {
			given++
		}
	}
	switch {
	case m.Latent() == 0 || m.decode == nil:
		return nil, m.cannot("decode")
	case given != 1:
		return nil, problem.New(http.StatusBadRequest, "want one of codes, of %d units each, seeds, items and files; %d of these are given", m.Latent(), given).Of("codes", "")
	case q.Codes.values != nil:
		return q.Codes.rows("codes", m.Latent(), s.opt.MaxItems, "a code")
	case q.Seeds != nil:
		if len(q.Seeds) == 0 {
			return nil, problem.New(http.StatusBadRequest, "seeds: none: want one or more").Of("seeds", "[]")
		}
		if len(q.Seeds) > s.opt.MaxItems {
			return nil, tooMany("seeds", len(q.Seeds), s.opt.MaxItems)
		}
		if !m.StandardPrior() {
			return nil, problem.New(http.StatusNotImplemented, "codes of %s are not drawn from N(0, I): give codes or items", m.about.Name).Of("seeds", "")
		}
		var codes []float32
		for _, seed := range q.Seeds {
			codes = append(codes, latent.SamplePrior(latent.SampleKey(seed), 1, m.Latent())...)
		}
		return codes, nil
	}
	items, err := s.items(m, q)
	if err != nil {
		return nil, err
	}
	labels, err := m.labelRows(q, len(items)/m.Item().Size(), m.Input().Labels)
	if err != nil {
		return nil, err
	}
	mean, _, err := m.Encode(r.Context(), items, labels)
	return mean, err
}

// labelRows returns the labels of n items of a request, (n, k), or nil if there are none.
func (m *Model) labelRows(q *body, n, k int) ([]float32, error) {
	given := q.Label != nil || q.Labels != nil || q.hot != nil
	switch {
	case !given:
		return nil, nil
	case !m.takesLabels():
		return nil, problem.New(http.StatusBadRequest, "%s is not conditional: it takes no label", m.about.Name).Of("label", strings.Join(q.Label, ","))
	case q.hot != nil:
		return numbers{q.hot, []int{n, len(q.hot) / max(1, n)}}.rows("labels", k, n, "a number for each label")
	case q.Labels != nil && q.Label != nil:
		return nil, problem.New(http.StatusBadRequest, "both label and labels: want one of them").Of("label", "")
	case q.Labels != nil && len(q.Labels) != n:
		return nil, problem.New(http.StatusBadRequest, "labels: %d of them for %d items: want one for each", len(q.Labels), n).Of("labels", strconv.Itoa(len(q.Labels)))
	}
	rows := make([]float32, n*k)
	for i := range n {
		names, field := q.Label, "label"
		if q.Labels != nil {
			names, field = q.Labels[i], fmt.Sprintf("labels[%d]", i)
		}
		for _, name := range names {
			at := slices.IndexFunc(m.labels, func(l string) bool { return strings.EqualFold(strings.TrimSpace(l), strings.TrimSpace(name)) })
			if exact := slices.Index(m.labels, name); exact >= 0 {
				at = exact
			}
			if at < 0 || at >= k {
				return nil, problem.New(http.StatusBadRequest, "%s: no label %q%s; there is %s", field, name, data.DidYouMean(name, m.labels), some(m.labels)).Of(field, name)
			}
			rows[i*k+at] = 1
		}
	}
	return rows, nil
}

// whole returns a whole number of a query; ok is false if it is not given.
func whole(v url.Values, name string) (n uint64, ok bool, err error) {
	text := v.Get(name)
	if !v.Has(name) {
		return 0, false, nil
	}
	n, err = strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, false, problem.New(http.StatusBadRequest, "%s is %q: want a whole number", name, text).Of(name, text)
	}
	return n, true, nil
}
