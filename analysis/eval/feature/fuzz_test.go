package feature

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/safetensors"
	"github.com/imago-ml/imago/internal/fuzzed"
)

// FuzzLoad checks that a file of the cache that is well formed but for some faults is refused, or is the net of the set: the
// shapes, types and number of its weights, and what it says of itself.
func FuzzLoad(f *testing.F) {
	f.Add([]byte{}, "")
	f.Add([]byte("\x00\x00\x00\x00\x02\x01\x03\x05\x07"), `"test_accuracy":0.5`)
	f.Add([]byte("\x01\x01\x0f\x02\x00\x01"), `"labels":["top left"]`)
	f.Add([]byte("\x00\x00\x00\x00"), `"test_accuracy":-1e308`)
	images, err := data.NewInMemory(make([]uint8, 4*side*side), 4, pixels.Item(side, side, 1))
	if err != nil {
		f.Fatal(err)
	}
	set := &data.Set{Name: "quadrants", Digest: "quadrants", Classes: []string{"a", "b"}, Train: data.Split{Items: images, Labels: []int32{0, 1, 0, 1}}}
	info, _, err := newInfo(set)
	if err != nil {
		f.Fatal(err)
	}
	params, name, be := info.params(), f.TempDir()+"/net.safetensors", cpu.New(1)
	f.Cleanup(func() { be.Close() })
	f.Fuzz(func(t *testing.T, b []byte, about string) {
		c := fuzzed.New(b)
		weights := map[string]*tensor.Tensor{}
		for _, p := range params {
			w := p.Draw(rng.New(1))
			if c.Rarely() {
				var err error
				if w, err = anotherTensor(c, p.Shape); err != nil {
					t.Skip()
				}
			}
			if !c.Rarely() {
				weights[p.Name] = w
			}
		}
		if c.Rarely() {
			weights["more"] = tensor.New(tensor.Float32, 1)
		}
		described := map[string]any{}
		text, err := json.Marshal(info)
		if err := errors.Join(err, json.Unmarshal(text, &described)); err != nil {
			t.Fatal(err)
		}
		for range c.Below(4) {
			c.Change(described)
		}
		if text, err = json.Marshal(described); err != nil {
			t.Skip()
		}
		if about != "" { // what comes twice is what comes last
			text = []byte(strings.TrimSuffix(string(text), "}") + "," + about + "}")
		}
		file, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		err = safetensors.WriteSealed(file, weights, map[string]string{infoKey: string(text)})
		if err := errors.Join(err, file.Close()); err != nil {
			t.Skip() // a text that no header takes
		}
		n, err := load(name, info, be)
		if err != nil {
			return
		}
		if !(n.Accuracy >= 0 && n.Accuracy <= 1) {
			t.Errorf("a share of %v of the labels", n.Accuracy)
		}
		if got := n.Info; got.hash() != info.hash() {
			t.Errorf("the net is %+v, want %+v", got, info)
		}
		if _, p, err := n.Describe(t.Context(), images); err != nil || len(p) != 4*len(info.Labels) {
			t.Errorf("%d probabilities, %v", len(p), err)
		}
	})
}

// anotherTensor returns a tensor of another type or shape.
func anotherTensor(c *fuzzed.Choices, shape []int) (*tensor.Tensor, error) {
	switch c.Below(4) {
	case 0:
		return tensor.New(tensor.Int32, shape...), nil
	case 1:
		return tensor.New(tensor.Float32, shape[1:]...), nil
	case 2:
		return tensor.New(tensor.Float32, append([]int{1}, shape...)...), nil
	}
	return tensor.FromSlice([]float32{1e38, -1e38}, 2)
}
