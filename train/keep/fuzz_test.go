package keep

import (
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/formats/safetensors"
	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/internal/fuzzed"
	"github.com/imago-ml/imago/internal/sealed"
)

// FuzzUnits checks that a ranking that is well sealed but for what it holds is refused, or has a score for each unit.
func FuzzUnits(f *testing.F) {
	f.Add([]byte{}, 2)
	f.Add([]byte("\x01\x05\x02\x07\x09\x03"), 3)
	run := disk.At(f.TempDir())
	f.Fuzz(func(t *testing.T, b []byte, units int) {
		c := fuzzed.New(b)
		content := map[string]any{"step": 7, "by": string(latent.ByKL), "scores": []any{5.0, 9.0, 0.0}[:c.Below(4)]}
		for range c.Below(4) {
			c.Change(content)
		}
		file, err := os.Create(run.Path(UnitsFile))
		if err != nil {
			t.Fatal(err)
		}
		err = sealed.Write(file, 1+c.Below(16)/15, content)
		if err := errors.Join(err, file.Close()); err != nil {
			t.Skip() // no JSON
		}
		u, err := OpenUnits(run, units)
		switch {
		case err != nil && !errors.Is(err, ErrUnits):
			t.Errorf("a bad file gave %v", err)
		case err == nil:
			u.Plane() // must not panic
			if n := len(u.Scores); n != 0 && n != units {
				t.Errorf("%d scores for %d units", n, units)
			}
		}
	})
}

// FuzzCodes checks that codes of any description and tensors are refused, or are codes of as many units, labels and
// attributes as they say.
func FuzzCodes(f *testing.F) {
	f.Add([]byte{}, "")
	f.Add([]byte("\x02\x01\x01\x02\x01\x01\x03"), `"weights":"w","set":"s","digest":"d","classes":["a","b"],"attributes":["x"]`)
	name := f.TempDir() + "/codes.safetensors"
	f.Fuzz(func(t *testing.T, b []byte, about string) {
		c := fuzzed.New(b)
		tensors, err := someTensors(c)
		if err != nil {
			t.Skip()
		}
		file, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		err = safetensors.WriteSealed(file, tensors, map[string]string{"codes": "{" + about + "}"})
		if err := errors.Join(err, file.Close()); err != nil {
			t.Skip() // a text that no header takes
		}
		read, meta, err := safetensors.Read(name)
		if err != nil {
			t.Fatalf("what was written is not read: %v", err)
		}
		var described codesAbout
		if json.Unmarshal([]byte(meta["codes"]), &described) != nil {
			return
		}
		codes, err := readCodes(described, 2, read)
		if err != nil {
			return
		}
		n := codes.Set.Train.Len()
		if len(codes.Mean) != 2*n || codes.LogVar != nil && len(codes.LogVar) != 2*n || codes.Set.Validate() != nil {
			t.Errorf("%d codes of %d means and %d variances are accepted", n, len(codes.Mean), len(codes.LogVar))
		}
	})
}

// someTensors returns tensors with the names of those of codes, most of them of shapes and types that go together.
func someTensors(c *fuzzed.Choices) (map[string]*tensor.Tensor, error) {
	n := c.Below(5)
	all := map[string]*tensor.Tensor{}
	for _, name := range []string{"mean", "log_var", "labels", "attributes"} {
		if c.Below(4) == 3 {
			continue
		}
		shape := []int{n, 2}
		if name == "labels" {
			shape = []int{n}
		}
		if c.Rarely() {
			shape = append(shape, c.Below(3))
		}
		if c.Rarely() {
			shape[0] = c.Below(6)
		}
		size := 1
		for _, d := range shape {
			size *= d
		}
		kind := map[string]int{"labels": 1, "attributes": 2}[name]
		if c.Rarely() {
			kind = c.Below(3)
		}
		var err error
		switch b := c.Bytes(size); kind {
		case 0:
			v := make([]float32, size)
			for i := range v {
				v[i] = float32(b[i])
			}
			all[name], err = tensor.FromSlice(v, shape...)
		case 1:
			v := make([]int32, size)
			for i := range v {
				v[i] = int32(int8(b[i]))
			}
			all[name], err = tensor.FromSlice(v, shape...)
		case 2:
			all[name], err = tensor.FromSlice(b, shape...)
		}
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}
