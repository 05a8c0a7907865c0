package serve

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"math"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/safetensors"
	"github.com/imago-ml/imago/serve/problem"
)

// An array is values of an answer.
type array struct {
	name   string
	values []float32
	shape  []int // the first axis is that of items
}

// An answer is what a request results in, before it is known in which form.
type answer struct {
	m      *Model
	arrays []array           // the first is the answer of raw bytes, and of a picture
	items  bool              // it is items of the model's medium
	more   []field           // of JSON
	head   map[string]string // headers
	cols   int               // of a sheet; 0 = about square
}

// A field is a value of JSON beside the arrays.
type field struct {
	name  string
	value any
}

// itemsOf returns items as an array.
func (m *Model) itemsOf(values []float32) array {
	return array{"items", values, m.Item().Batch(len(values) / m.Item().Size())}
}

// codesOf returns codes as an array.
func (m *Model) codesOf(values []float32) array {
	return array{"codes", values, []int{len(values) / m.Latent(), m.Latent()}}
}

// fileType returns the media type of the files of the model's medium, "" if there is none.
func (m *Model) fileType() string {
	it := m.Item()
	if it.Medium == nil {
		return ""
	}
	return map[string]string{".csv": "text/csv", ".npy": "application/x-npy"}[it.Medium.Format(it).Extension]
}

// types returns the media types that an answer of items or of numbers can have; the first is the usual one.
func (m *Model) types(items, picture bool) []string {
	all := []string{typeJSON, typeRaw, typeSafetensors}
	if !items {
		return all
	}
	if t := m.fileType(); t != "" {
		all = append(all, t)
	}
	if draws(m.Item()) {
		all = append(all, typePNG)
		if picture {
			all = append([]string{typePNG}, all[:len(all)-1]...)
		}
	}
	return all
}

// formats are the values of the parameter format, which stands in place of Accept.
var formats = map[string]string{"json": typeJSON, "raw": typeRaw, "safetensors": typeSafetensors, "png": typePNG, "csv": "text/csv", "npy": "application/x-npy"}

// negotiate returns the media type of the answer to r, one of types, by Accept or the parameter format.
func negotiate(r *http.Request, types []string) (string, error) {
	if r.URL.RawQuery != "" {
		if q := r.URL.Query(); q.Has("format") {
			t := formats[q.Get("format")]
			if !slices.Contains(types, t) {
				return "", problem.New(http.StatusNotAcceptable, "format is %q: want one of those of %s", q.Get("format"), strings.Join(types, ", ")).Of("format", q.Get("format"))
			}
			return t, nil
		}
	}
	accept := r.Header.Get("Accept")
	switch accept {
	case "", "*/*":
		return types[0], nil
	case typeRaw, typePNG, typeJSON:
		if slices.Contains(types, accept) {
			return accept, nil
		}
	}
	best, bestQ := "", 0.0
	for _, t := range types {
		// The most specific range that fits a type says its weight.
		q, specific := 0.0, -1
		for part := range strings.SplitSeq(accept, ",") {
			kind, params, err := mime.ParseMediaType(strings.TrimSpace(part))
			if err != nil {
				continue
			}
			fit := -1
			switch main, _, _ := strings.Cut(t, "/"); kind {
			case t:
				fit = 2
			case main + "/*":
				fit = 1
			case "*/*":
				fit = 0
			case "application/safetensors":
				if t == typeSafetensors {
					fit = 2
				}
			}
			if fit > specific {
				specific, q = fit, 1
				if text, ok := params["q"]; ok {
					q, err = strconv.ParseFloat(text, 64)
					if err != nil || q != q {
						q = 0
					}
				}
			}
		}
		if q > bestQ {
			best, bestQ = t, q
		}
	}
	if best == "" {
		return "", problem.New(http.StatusNotAcceptable, "no answer of %q: there is %s", accept, strings.Join(types, ", ")).Of("Accept", accept)
	}
	return best, nil
}

// write answers with a in the form of a media type.
func (a *answer) write(w http.ResponseWriter, kind string) error {
	var b []byte
	var err error
	first := a.arrays[0]
	h := w.Header()
	switch kind {
	case typeJSON:
		b, err = a.json()
	case typeRaw:
		b = rawBytes(first.values)
		h.Set(shapeHeader, axes(first.shape))
	case typeSafetensors:
		b, err = a.tensors()
	case typePNG:
		b, err = a.picture()
	default:
		b, err = a.file()
	}
	if err != nil {
		return err
	}
	for name, value := range a.head {
		h.Set(name, value)
	}
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(b)))
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	_, _ = w.Write(b) // a client that has gone is no fault of the server
	return nil
}

// axes returns a shape as in 2,28,28,1.
func axes(shape []int) string {
	b := make([]byte, 0, 16)
	for i, n := range shape {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	return string(b)
}

// rawBytes returns float32 values in little-endian order.
func rawBytes(values []float32) []byte {
	b := make([]byte, 4*len(values))
	for i, v := range values {
		binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(v))
	}
	return b
}

// json returns the answer as JSON: the shape of the first array, each array as an array of rows, then the rest.
func (a *answer) json() ([]byte, error) {
	b := append([]byte(nil), `{"model":`...)
	b = strconv.AppendQuote(b, a.m.about.Name) // letters, digits, dots, hyphens and underscores
	b = append(b, `,"shape":[`...)
	b = append(append(b, axes(a.arrays[0].shape)...), ']')
	for _, x := range a.arrays {
		b = append(append(append(b, `,"`...), x.name...), `":[`...)
		rows := x.shape[0]
		for i := range rows {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, '[')
			w := len(x.values) / rows
			for k, v := range x.values[i*w : (i+1)*w] {
				if k > 0 {
					b = append(b, ',')
				}
				if v-v != 0 {
					return nil, fmt.Errorf("serve: %s: value %d of %s is %v", a.m.about.Name, i*w+k, x.name, v)
				}
				b = appendFloat(b, v)
			}
			b = append(b, ']')
		}
		b = append(b, ']')
	}
	for _, f := range a.more {
		v, err := json.Marshal(f.value)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, `,"`...), f.name...), `":`...)
		b = append(b, v...)
	}
	return append(b, "}\n"...), nil
}

// appendFloat appends the shortest number of JSON that is read as that float32.
func appendFloat(b []byte, v float32) []byte {
	switch v {
	case 0:
		return append(b, '0')
	case 1:
		return append(b, '1')
	}
	if m := math.Abs(float64(v)); m >= 1e-6 && m < 1e21 {
		return strconv.AppendFloat(b, float64(v), 'f', -1, 32)
	}
	return strconv.AppendFloat(b, float64(v), 'e', -1, 32)
}

// tensors returns the arrays as a safetensors file.
func (a *answer) tensors() ([]byte, error) {
	all := map[string]*tensor.Tensor{}
	for _, x := range a.arrays {
		t, err := tensor.FromSlice(x.values, x.shape...)
		if err != nil {
			return nil, err
		}
		all[x.name] = t
	}
	var b bytes.Buffer
	err := safetensors.Write(&b, all, map[string]string{"model": a.m.about.Name, "fingerprint": a.m.about.Fingerprint})
	return b.Bytes(), err
}

// file returns the items as a file of their medium.
func (a *answer) file() ([]byte, error) {
	files, err := medium.Encode(a.m.Item(), a.arrays[0].values)
	if err != nil {
		return nil, err
	}
	return bytes.Join(files, nil), nil
}

// columns returns how many tiles a sheet of n has side by side.
func (a *answer) columns(n int) int {
	if a.cols > 0 {
		return min(a.cols, n)
	}
	c := 1
	for c*c < n {
		c++
	}
	return c
}

// maxSheet is how many pixels a sheet may have.
const maxSheet = 1 << 26

// picture returns the items as one PNG: tile beside tile, row after row. Places without an item are black.
func (a *answer) picture() ([]byte, error) {
	it, values := a.m.Item(), a.arrays[0].values
	pix, h, w, c := values, 0, 0, 0
	if it.Medium.Name() == pixels.Name && (it.Shape[2] == 1 || it.Shape[2] == 3) { // a tile is the item itself
		h, w, c = it.Shape[0], it.Shape[1], it.Shape[2]
	} else {
		var err error
		if pix, h, w, c, err = medium.Draw(it, values); err != nil {
			return nil, err
		}
	}
	n := len(pix) / (h * w * c)
	cols := a.columns(n)
	rows := (n + cols - 1) / cols
	if rows*h*cols*w > maxSheet {
		return nil, tooMany("n", n, maxSheet/(h*w))
	}
	a.head["X-Imago-Sheet"] = fmt.Sprintf("%dx%d", rows, cols)
	levels := pixels.Bytes(pix)
	rect := image.Rect(0, 0, cols*w, rows*h)
	if c == 1 {
		img := &image.Gray{Pix: levels, Stride: w, Rect: rect}
		if n > 1 {
			img = image.NewGray(rect)
			for i := range n {
				for y := range h {
					copy(img.Pix[(i/cols*h+y)*img.Stride+i%cols*w:], levels[(i*h+y)*w:(i*h+y+1)*w])
				}
			}
		}
		return encodePNG(img)
	}
	img := image.NewNRGBA(rect)
	for i := range n {
		for y := range h {
			at := (i/cols*h+y)*img.Stride + i%cols*w*4
			row := levels[(i*h+y)*w*3 : (i*h+y+1)*w*3]
			for x := range w {
				copy(img.Pix[at+4*x:], row[3*x:3*x+3])
				img.Pix[at+4*x+3] = 255
			}
		}
	}
	for i := n; i < rows*cols; i++ {
		for y := range h {
			at := (i/cols*h+y)*img.Stride + i%cols*w*4
			for x := range w {
				img.Pix[at+4*x+3] = 255
			}
		}
	}
	return encodePNG(img)
}

// A pool keeps the buffers of the PNG encoder, which are a megabyte each.
type pool struct{ sync.Pool }

// Get returns a buffer or nil.
func (p *pool) Get() *png.EncoderBuffer {
	b, _ := p.Pool.Get().(*png.EncoderBuffer)
	return b
}

// Put gives a buffer back.
func (p *pool) Put(b *png.EncoderBuffer) { p.Pool.Put(b) }

var encoder = png.Encoder{CompressionLevel: png.BestSpeed, BufferPool: &pool{}}

func encodePNG(img image.Image) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(1024)
	err := encoder.Encode(&b, img)
	return b.Bytes(), err
}
