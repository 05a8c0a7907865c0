// Package transfer gives a model the weights that another framework trained: it finds which array of a file belongs to which
// parameter, and turns each into the layout of imago.
//
//	m, err := transfer.Find(model, file, false) // a Map, or an error of class ErrAmbiguous and what was found
//	weights, err := m.Apply(model, file, draw)
//
// A Map is a list with an entry for each parameter of the model: the array it comes from, and how that is changed. It is
// written as JSON, which a person can correct, and read again by Decode.
//
// Find goes by modules, the arrays of one layer: a convolution with its bias, a batch norm with its statistics. A module is
// a candidate for a layer if all of its shapes fit in a layout of PyTorch or of Keras. Among several candidates names
// decide (encoder, mu, log_var, the layer's own), then the order in the file, if the file has one: as many modules as layers
// with the same candidates are taken one after another. What is left is an error with the candidates; nothing is taken at random.
// The order and halves of a layer are conventions, not facts of the file, so each entry says why it was made.
//
// Layouts. PyTorch has kernels of Linear as (out, in), of Conv2d as (out, in, rows, columns), of ConvTranspose2d as (in, out,
// rows, columns), and images as (channels, rows, columns): a dense layer behind a flattened image, or before one, has its
// inputs, or outputs, in another order. Keras has the layouts of imago. The ε of batch norm is 1e-5 in imago and PyTorch,
// 1e-3 in Keras: the difference is added to the variances, which makes the same function.
//
// What no file of weights has: the padding of convolutions, activations, slopes, and the decay of running statistics. The
// networks must agree in them. Convolutions of imago pad as TensorFlow's "same" does: 0 before and 1 after for a kernel of 3
// and a stride of 2, where PyTorch's padding=1 pads 1 before. A kernel of 3 with padding=1 is one of 4 whose last row and column
// are 0, with "same" padding: a model with kernels one larger takes such networks exactly.
//
// The package must not know formats of files, nor concrete models.
package transfer

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
)

// ErrAmbiguous marks a map in which a parameter has no array, or several may be meant. Test with errors.Is.
var ErrAmbiguous = errors.New("it is not clear which arrays the parameters come from")

// An Array is one of the arrays of a file.
type Array struct {
	Name  string
	Shape tensor.Shape
	Read  func() (*tensor.Tensor, error) // returns a Float32 tensor
}

// A File is the arrays of a file of weights.
type File struct {
	Arrays  []Array
	Ordered bool // the arrays are in the order of the layers; else they are sorted by name
}

// An Entry says where a parameter of the model comes from.
type Entry struct {
	Param string       `json:"param"`          // of the model
	Shape tensor.Shape `json:"shape"`          // of the parameter; for people
	From  string       `json:"from,omitempty"` // array of the file; "" if As makes the values, or if it is not known
	// As is how the array becomes the parameter, step by step:
	//
	//	rows 0:2            the rows 0 and 1 of the first axis
	//	reshape 16,64,7,7   the same elements in another shape
	//	axes 2,3,1,0        a transposition: new axis i is that old one
	//	flip                the first two axes backwards
	//	pad 4,4             zeros after the first two axes, up to so many
	//	add 0.00099         to each element
	//
	// and without From:
	//
	//	fill 0              that number
	//	initial             as a new model has it
	As         []string `json:"as,omitempty"`
	Why        string   `json:"why,omitempty"`        // for people
	Candidates []string `json:"candidates,omitempty"` // of From, if it is not known
}

// known reports whether the entry says where its parameter comes from.
func (e *Entry) known() bool { return e.From != "" || len(e.As) > 0 }

// A Map says where the parameters of a model come from.
type Map struct {
	Entries []Entry  `json:"params"`
	Unused  []string `json:"unused,omitempty"` // arrays of the file without an entry; for people
	Notes   []string `json:"notes,omitempty"`  // what the file does not say; for people
}

// Encode returns m as JSON, an entry a line.
func (m *Map) Encode() ([]byte, error) {
	var b strings.Builder
	b.WriteString("{\"params\": [\n")
	for i, e := range m.Entries {
		line, err := encode(e)
		if err != nil {
			return nil, err
		}
		b.WriteString("  " + line)
		if i < len(m.Entries)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("]")
	for _, f := range []struct {
		name string
		list []string
	}{{"unused", m.Unused}, {"notes", m.Notes}} {
		if len(f.list) > 0 {
			line, err := encode(f.list)
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(&b, ",\n%q: %s", f.name, line)
		}
	}
	b.WriteString("}\n")
	return []byte(b.String()), nil
}

// encode returns v as JSON on a line, without escapes of < and >.
func encode(v any) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "", fmt.Errorf("transfer: %w", err)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// Decode reads the JSON of Encode. An unknown field is an error.
func Decode(b []byte) (*Map, error) {
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.DisallowUnknownFields()
	m := &Map{}
	if err := d.Decode(m); err != nil {
		return nil, fmt.Errorf("transfer: the map: byte %d: %w", d.InputOffset(), err)
	}
	return m, nil
}

// Apply returns the weights of the model, by the names of its parameters. It reads the arrays of the file that m names;
// draw returns the initial value of a parameter. Values that are not finite are left to the caller.
func (m *Map) Apply(to *model.Model, f File, draw func(nn.Param) *tensor.Tensor) (map[string]*tensor.Tensor, error) {
	arrays := map[string]Array{}
	for _, a := range f.Arrays {
		arrays[a.Name] = a
	}
	params := map[string]nn.Param{}
	for _, p := range to.Params {
		params[p.Name] = p
	}
	out := map[string]*tensor.Tensor{}
	for _, e := range m.Entries {
		p, ok := params[e.Param]
		switch {
		case !ok:
			return nil, fmt.Errorf("transfer: the map has %s, which is no parameter of the model", e.Param)
		case out[e.Param] != nil:
			return nil, fmt.Errorf("transfer: the map has %s twice", e.Param)
		case !e.known():
			return nil, fmt.Errorf("transfer: %s: %w: set \"from\" of its entry in the map", e.Param, ErrAmbiguous)
		}
		t, err := e.value(p, arrays, draw)
		if err != nil {
			return nil, fmt.Errorf("transfer: %s, from %s: %w", e.Param, orNothing(e.From), err)
		}
		out[e.Param] = t
	}
	for _, p := range to.Params {
		if out[p.Name] == nil {
			return nil, fmt.Errorf("transfer: the map has no entry for %s %v", p.Name, p.Shape)
		}
	}
	return out, nil
}

func orNothing(name string) string {
	if name == "" {
		return "no array"
	}
	return name
}
