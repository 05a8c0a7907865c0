package transfer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
)

// built returns a model with the layers that build makes.
func built(build func(b *nn.Builder)) *model.Model {
	b := nn.NewBuilder()
	build(b)
	return &model.Model{Params: b.Params(), Networks: b.Networks()}
}

// counting returns an array with the elements 0, 1, 2, …
func counting(name string, shape ...int) Array {
	return Array{name, shape, func() (*tensor.Tensor, error) {
		t := tensor.New(tensor.Float32, shape...)
		for i := range t.F32() {
			t.F32()[i] = float32(i)
		}
		return t, nil
	}}
}

func input(shape ...int) *graph.Node { return graph.Input("x", tensor.Float32, shape...) }

func draw(p nn.Param) *tensor.Tensor { return p.Draw(rng.New(1)) }

// froms returns "param=array" of each entry, the parameters without their networks.
func froms(m *Map) string {
	var all []string
	for _, e := range m.Entries {
		_, short, _ := strings.Cut(e.Param, "/")
		all = append(all, short+"="+e.From)
	}
	return strings.Join(all, " ")
}

// TestFind pairs layers of the same shapes by names, by the order of the file, and not at all.
func TestFind(t *testing.T) {
	heads := built(func(b *nn.Builder) {
		e := b.Network("encoder")
		h := e.Dense("dense", e.Input("input_1", input(1, 6)), 4, nn.ReLU)
		h = e.Dense("dense_1", h, 4, nn.ReLU)
		h = e.Dense("dense_2", h, 4, nn.ReLU)
		e.Dense("z_mean", h, 2, nn.None)
		e.Dense("z_log_var", h, 2, nn.None)
	})
	linear := func(name string, out, in int) []Array {
		return []Array{counting(name+".weight", out, in), counting(name+".bias", out)}
	}
	file := func(ordered bool, modules ...[]Array) File { return File{slices.Concat(modules...), ordered} }
	in := linear("in", 4, 6)
	for _, tt := range []struct {
		name, want, err string
		file            File
	}{
		{"by name", "dense_1/kernel=a.weight", "", file(true, in, linear("a", 4, 4), linear("b", 4, 4), linear("logvar", 2, 4), linear("fc_mu", 2, 4))},
		{"names against the order", "z_mean/kernel=fc_mu.weight z_mean/bias=fc_mu.bias z_log_var/kernel=logvar.weight", "", file(true, in, linear("a", 4, 4), linear("b", 4, 4), linear("logvar", 2, 4), linear("fc_mu", 2, 4))},
		{"order of the file", "dense_1/kernel=b.weight dense_1/bias=b.bias dense_2/kernel=a.weight", "", file(true, in, linear("b", 4, 4), linear("a", 4, 4), linear("mu", 2, 4), linear("logvar", 2, 4))},
		{"numbers in names", "dense_1/kernel=h.9.weight dense_1/bias=h.9.bias dense_2/kernel=h.10.weight", "", file(false, in, linear("h.10", 4, 4), linear("h.9", 4, 4), linear("mu", 2, 4), linear("logvar", 2, 4))},
		{"no order", "dense_1/kernel= dense_1/bias= dense_2/kernel=", "encoder/dense_1, encoder/dense_2 of 5 layers", file(false, in, linear("b", 4, 4), linear("a", 4, 4), linear("mu", 2, 4), linear("logvar", 2, 4))},
		{"one too many", "dense_1/kernel=", "encoder/dense_1, encoder/dense_2", file(true, in, linear("a", 4, 4), linear("b", 4, 4), linear("c", 4, 4), linear("mu", 2, 4), linear("logvar", 2, 4))},
		{"one too few", "dense_1/kernel=", "encoder/dense_1, encoder/dense_2", file(true, in, linear("a", 4, 4), linear("mu", 2, 4), linear("logvar", 2, 4))},
		{"halves that may be another layer", "dense_1/kernel=", "encoder/dense_1, encoder/dense_2", file(true, in, linear("a", 4, 4), linear("b", 4, 4), linear("head", 4, 4))},
		{"own names", "dense_1/kernel=encoder/dense_1/kernel", "", file(false, []Array{
			counting("encoder/dense/kernel", 6, 4), counting("encoder/dense/bias", 4), counting("encoder/dense_2/kernel", 4, 4), counting("encoder/dense_2/bias", 4), counting("encoder/dense_1/kernel", 4, 4), counting("encoder/dense_1/bias", 4),
			counting("encoder/z_mean/kernel", 4, 2), counting("encoder/z_mean/bias", 2), counting("encoder/z_log_var/kernel", 4, 2), counting("encoder/z_log_var/bias", 2)})},
		{"unnamed arrays", "dense/kernel=arr_0 dense/bias=arr_1 dense_1/kernel=arr_2 dense_1/bias=arr_3 dense_2/kernel=arr_4 dense_2/bias=arr_5 z_mean/kernel=arr_6 z_mean/bias=arr_7 z_log_var/kernel=arr_8", "", file(true, []Array{
			counting("arr_0", 6, 4), counting("arr_1", 4), counting("arr_2", 4, 4), counting("arr_3", 4), counting("arr_4", 4, 4), counting("arr_5", 4), counting("arr_6", 4, 2), counting("arr_7", 2), counting("arr_8", 4, 2), counting("arr_9", 2)})},
	} {
		m, err := Find(heads, tt.file, false)
		if got := fmt.Sprint(err); tt.err == "" && err != nil || tt.err != "" && (!errors.Is(err, ErrAmbiguous) || !strings.Contains(got, tt.err)) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.err)
		}
		if got := froms(m); !strings.Contains(got+" ", tt.want+" ") {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
		text, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Decode(text)
		if err != nil || froms(again) != froms(m) || len(again.Entries) != len(heads.Params) {
			t.Errorf("%s: the map is read again as %v, %v", tt.name, again, err)
		}
		_, err = again.Apply(heads, tt.file, draw)
		if (err != nil) != (tt.err != "") {
			t.Errorf("%s: applied: %v", tt.name, err)
		}
	}
}

// TestGenerator leaves the layers of a file that has one network to that network, although they fit another too.
func TestGenerator(t *testing.T) {
	gan := built(func(b *nn.Builder) {
		b.Bias = nil
		g := b.Network("generator")
		h := g.Reshape("reshape", g.Dense("dense", g.Input("input_1", input(1, 3)), 2*2*8, nn.None), 2, 2, 8)
		h = g.BatchNorm("batch_normalization", h, nn.ReLU)
		h = g.ConvTranspose2D("conv2d_transpose", h, 4, 4, 2, graph.Same, nn.Tanh)
		d := b.Network("discriminator")
		h = d.Conv2D("conv2d", d.Input("input_2", h), 8, 4, 2, graph.Same, nn.ReLU)
		d.Dense("dense_1", d.Flatten("flatten", h), 1, nn.None)
	})
	norm := []Array{counting("1.weight", 8), counting("1.bias", 8), counting("1.running_mean", 8), counting("1.running_var", 8), counting("1.num_batches_tracked")}
	generator := File{slices.Concat([]Array{counting("0.weight", 3, 8, 2, 2)}, norm, []Array{counting("3.weight", 8, 4, 4, 4)}), true}
	if _, err := Find(gan, generator, false); !errors.Is(err, ErrAmbiguous) || !strings.Contains(err.Error(), "discriminator/conv2d, discriminator/dense_1") {
		t.Errorf("without a discriminator: %v", err)
	}
	m, err := Find(gan, generator, true)
	if err != nil || m.Entries[0].From != "0.weight" || !slices.Equal(m.Entries[6].As, []string{"initial"}) || len(m.Unused) > 0 {
		t.Errorf("%v; %+v", err, m)
	}
	weights, err := m.Apply(gan, generator, draw)
	if err != nil {
		t.Fatal(err)
	}
	// Input 1, row 0, column 1, channel 2 of the first layer is element [1][2][0][1] of the file.
	if got := weights["generator/dense/kernel"].F32()[1*32+(0*2+1)*8+2]; got != 1*32+2*4+0*2+1 {
		t.Errorf("the first layer has %v there", got)
	}
	// Keras' batch norm has another epsilon.
	keras := File{[]Array{counting("a/kernel", 3, 32), counting("b/gamma", 8), counting("b/beta", 8), counting("b/moving_mean", 8), counting("b/moving_variance", 8), counting("c/kernel", 4, 4, 4, 8)}, true}
	if m, err = Find(gan, keras, true); err != nil {
		t.Fatal(err)
	}
	if weights, err = m.Apply(gan, keras, draw); err != nil {
		t.Fatal(err)
	}
	if got := weights["generator/batch_normalization/moving_variance"].F32()[3]; got != 3+float32(0.00099) {
		t.Errorf("the variance is %v", got)
	}
	// A map that a person has broken.
	for _, tt := range []struct{ from, step, want string }{
		{"none", "", "the file has no such array"},
		{"a/kernel", "axes 0,0", "axes 0,0 of [3,32]: want each of its 2 axes once"},
		{"a/kernel", "axes 0,1,2", "want each of its 2 axes once"},
		{"a/kernel", "reshape 5,5", "it has 96 elements"},
		{"a/kernel", "reshape -1,5", "shape"},
		{"a/kernel", "rows 2:9", "want rows of the first axis"},
		{"a/kernel", "pad 2,99", "no smaller than its first two axes"},
		{"a/kernel", "pad 2000000000,2000000000", "pad"},
		{"a/kernel", "turn", `no step "turn"; have add, axes`},
		{"a/kernel", "add x", "want a number"},
		{"a/kernel", "axes 1,0", "it becomes [32,3], want [3,32]"},
		{"", "fill x", "want initial, or fill with a number"},
	} {
		bad := *m
		bad.Entries = slices.Clone(m.Entries)
		bad.Entries[0].From, bad.Entries[0].As = tt.from, []string{tt.step}
		if tt.step == "" {
			bad.Entries[0].As = nil
		}
		if _, err := bad.Apply(gan, keras, draw); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "generator/dense/kernel") {
			t.Errorf("%s %s: %v, want %s", tt.from, tt.step, err, tt.want)
		}
	}
	bad := *m
	bad.Entries = m.Entries[1:]
	if _, err := bad.Apply(gan, keras, draw); err == nil || !strings.Contains(err.Error(), "no entry for generator/dense/kernel [3,32]") {
		t.Errorf("an entry that is missing: %v", err)
	}
	if _, err := Decode([]byte(`{"params":[{"parm":1}]}`)); err == nil || !strings.Contains(err.Error(), "parm") {
		t.Errorf("an unknown field: %v", err)
	}
}

// FuzzMap reads maps and applies what is well formed to an array: it becomes the parameter, or there is an error.
func FuzzMap(f *testing.F) {
	for _, as := range []string{"rows 0:2", "reshape 2,2,3,2;axes 2,3,1,0", "flip;pad 4,4", "add 0.5", "fill 1", "initial", "pad 4294967296,4294967296"} {
		f.Add("w", as)
	}
	one := built(func(b *nn.Builder) { b.Param("w", nn.Zeros, 4, 6) })
	f.Fuzz(func(t *testing.T, from, as string) {
		m := &Map{Entries: []Entry{{Param: "w", From: from, As: strings.Split(as, ";")}}}
		text, err := m.Encode()
		if err != nil {
			return
		}
		if m, err = Decode(text); err != nil {
			t.Fatal(err)
		}
		w, err := m.Apply(one, File{Arrays: []Array{counting("w", 4, 6)}}, draw)
		if err == nil && !w["w"].Shape().Equal(tensor.Shape{4, 6}) {
			t.Errorf("%s: %v", as, w["w"])
		}
	})
}

// ExampleFind gives a dense layer the weights of a Linear of PyTorch, whose matrix is the transposed one.
func ExampleFind() {
	m := built(func(b *nn.Builder) {
		d := b.Network("decoder")
		d.Dense("dense", d.Input("input_1", input(1, 2)), 3, nn.None)
	})
	file := File{Arrays: []Array{counting("fc.weight", 3, 2), counting("fc.bias", 3)}, Ordered: true}
	found, err := Find(m, file, false)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range found.Entries {
		fmt.Println(e.Param, "from", e.From, e.As)
	}
	weights, err := found.Apply(m, file, nil)
	fmt.Println(weights["decoder/dense/kernel"].F32(), err)
	// Output:
	// decoder/dense/kernel from fc.weight [axes 1,0]
	// decoder/dense/bias from fc.bias []
	// [0 2 4 1 3 5] <nil>
}
