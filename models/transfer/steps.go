package transfer

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/memory"
	"github.com/imago-ml/imago/nn"
)

// A block is an array on its way to a parameter.
type block struct {
	shape tensor.Shape
	x     []float32
}

// value returns the value of parameter p that the entry describes.
func (e *Entry) value(p nn.Param, arrays map[string]Array, draw func(nn.Param) *tensor.Tensor) (*tensor.Tensor, error) {
	if e.From == "" {
		return made(p, e.As, draw)
	}
	a, ok := arrays[e.From]
	if !ok {
		return nil, fmt.Errorf("the file has no such array")
	}
	t, err := a.Read()
	if err != nil {
		return nil, err
	}
	if t.DType() != tensor.Float32 {
		return nil, fmt.Errorf("it is of %v, want float32", t.DType())
	}
	b := block{t.Shape().Clone(), t.F32()}
	for _, step := range e.As {
		name, argument, _ := strings.Cut(step, " ")
		run := steps[name]
		if run == nil {
			return nil, fmt.Errorf("no step %q; have add, axes, flip, pad, reshape, rows", step)
		}
		if b, err = run(b, argument); err != nil {
			return nil, fmt.Errorf("%s of %v: %w", step, b.shape, err)
		}
	}
	if !b.shape.Equal(p.Shape) {
		return nil, fmt.Errorf("it becomes %v, want %v", b.shape, p.Shape)
	}
	return tensor.FromSlice(b.x, b.shape...)
}

// made returns a value that comes from no array.
func made(p nn.Param, as []string, draw func(nn.Param) *tensor.Tensor) (*tensor.Tensor, error) {
	if len(as) == 1 && as[0] == initial {
		return draw(p), nil
	}
	text, ok := strings.CutPrefix(strings.Join(as, ", "), "fill ")
	v, err := strconv.ParseFloat(text, 32)
	if !ok || err != nil {
		return nil, fmt.Errorf("%q: want initial, or fill with a number, as fill 0", strings.Join(as, ", "))
	}
	t := tensor.New(tensor.Float32, p.Shape...)
	for i := range t.F32() {
		t.F32()[i] = float32(v)
	}
	return t, nil
}

// initial is the step that makes an initial value.
const initial = "initial"

// steps are what Entry.As lists, by name.
var steps = map[string]func(b block, argument string) (block, error){
	"rows": func(b block, text string) (block, error) {
		from, to, _ := strings.Cut(text, ":")
		i, err := strconv.Atoi(from)
		j, err2 := strconv.Atoi(to)
		if err != nil || err2 != nil || len(b.shape) == 0 || i < 0 || i >= j || j > b.shape[0] {
			return b, fmt.Errorf("want rows of the first axis, as 0:2")
		}
		each := len(b.x) / b.shape[0]
		return block{append(tensor.Shape{j - i}, b.shape[1:]...), b.x[i*each : j*each]}, nil
	},
	"reshape": func(b block, text string) (block, error) {
		shape, err := numbers(text)
		if err == nil {
			err = tensor.Shape(shape).Check()
		}
		if err != nil {
			return b, err
		}
		if tensor.Shape(shape).Size() != len(b.x) {
			return b, fmt.Errorf("it has %d elements", len(b.x))
		}
		return block{shape, b.x}, nil
	},
	"axes": func(b block, text string) (block, error) {
		perm, err := numbers(text)
		if err != nil {
			return b, err
		}
		all := make([]int, len(b.shape))
		for i := range all {
			all[i] = i
		}
		if !slices.Equal(slices.Sorted(slices.Values(perm)), all) {
			return b, fmt.Errorf("want each of its %d axes once", len(b.shape))
		}
		return b.permuted(perm)
	},
	"flip": func(b block, _ string) (block, error) {
		if len(b.shape) < 2 {
			return b, fmt.Errorf("want two axes or more")
		}
		if err := b.checkCopy(); err != nil {
			return b, err
		}
		kernel := b.shape[0] * b.shape[1]
		each := len(b.x) / kernel
		out := make([]float32, 0, len(b.x))
		for i := kernel - 1; i >= 0; i-- {
			out = append(out, b.x[i*each:(i+1)*each]...)
		}
		return block{b.shape, out}, nil
	},
	"pad": func(b block, text string) (block, error) {
		to, err := numbers(text)
		if err != nil {
			return b, err
		}
		if len(to) != 2 || len(b.shape) < 2 || to[0] < b.shape[0] || to[1] < b.shape[1] {
			return b, fmt.Errorf("want two numbers, no smaller than its first two axes")
		}
		shape := append(tensor.Shape{to[0], to[1]}, b.shape[2:]...)
		if err := shape.Check(); err != nil {
			return b, err
		}
		if err := memory.Check(4*int64(shape.Size()), "an array of %v", shape); err != nil {
			return b, err
		}
		out := make([]float32, shape.Size())
		each := len(b.x) / (b.shape[0] * b.shape[1])
		for i := range b.shape[0] {
			copy(out[i*to[1]*each:], b.x[i*b.shape[1]*each:(i+1)*b.shape[1]*each])
		}
		return block{shape, out}, nil
	},
	"add": func(b block, text string) (block, error) {
		v, err := strconv.ParseFloat(text, 32)
		if err != nil {
			return b, fmt.Errorf("want a number")
		}
		if err := b.checkCopy(); err != nil {
			return b, err
		}
		out := make([]float32, len(b.x))
		for i, x := range b.x {
			out[i] = x + float32(v)
		}
		return block{b.shape, out}, nil
	},
}

// checkCopy returns an error if there is no memory for a copy of the array.
func (b block) checkCopy() error {
	return memory.Check(4*int64(len(b.x)), "a copy of an array of %v", b.shape)
}

// permuted returns the array with its axes in another order: new axis i is the old axis perm[i].
func (b block) permuted(perm []int) (block, error) {
	if err := b.checkCopy(); err != nil {
		return b, err
	}
	old := graph.Strides(b.shape)
	shape, strides := make(tensor.Shape, len(perm)), make([]int, len(perm))
	for i, a := range perm {
		shape[i], strides[i] = b.shape[a], old[a]
	}
	out := make([]float32, 0, len(b.x))
	for at := range tensor.Offsets(shape, strides) {
		out = append(out, b.x[at])
	}
	return block{shape, out}, nil
}

// numbers returns the whole numbers of a text, which has commas between.
func numbers(text string) ([]int, error) {
	var out []int
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil {
			return nil, fmt.Errorf("want whole numbers with commas between")
		}
		out = append(out, n)
	}
	return out, nil
}

// listed returns numbers as the text that numbers reads.
func listed(n ...int) string {
	text := make([]string, len(n))
	for i, v := range n {
		text[i] = strconv.Itoa(v)
	}
	return strings.Join(text, ",")
}
