package eval

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/imago-ml/imago/analysis/eval/feature"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/internal/python"
)

// activations returns n points of F features like those of a net: correlated, and none below 0.
func activations(key rng.Key, n int, bias float32) []float32 {
	const f, causes = feature.Size, 20
	mix, e := make([]float32, f*causes), make([]float32, n*causes)
	rng.New(11).Normal(mix)
	key.Normal(e)
	x := make([]float32, n*f)
	for i := range n {
		for k := range f {
			v := bias
			for c := range causes {
				v += mix[k*causes+c] * e[i*causes+c] / 3
			}
			x[i*f+k] = max(v, 0)
		}
	}
	return x
}

// TestNumpy checks the distances against NumPy and SciPy on the same features.
func TestNumpy(t *testing.T) {
	interpreter := python.With(t, "numpy, scipy", "python3-numpy python3-scipy")
	const n, subsets, size = 1200, 7, 500
	dir := t.TempDir()
	real, made := &embedding{features: activations(rng.New(1), n, 0.2)}, &embedding{features: activations(rng.New(2), n, 0.3)}
	s := featureEvaluation(t)
	key := s.key.Split("kid")
	for name, x := range map[string][]float32{"real": real.features, "made": made.features} {
		var index []int32
		for i := range subsets {
			index = append(index, key.Split(name).At(uint64(i)).Perm(n)[:size]...)
		}
		for file, v := range map[string]any{name + ".f32": x, name + ".i32": index} {
			var b bytes.Buffer
			if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, file), b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd := exec.Command(string(interpreter), filepath.Join("testdata", "distances.py"), dir, strconv.Itoa(feature.Size), strconv.Itoa(subsets))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]float64
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatalf("%v in %q", err, out)
	}

	got := map[string]float64{}
	for _, m := range append(ballMetrics, struct {
		name string
		of   distance
	}{"fid", fid}) {
		r, err := m.of(context.Background(), s, real, made)
		if err != nil {
			t.Fatal(err)
		}
		got[m.name] = r.value
	}
	m, err := mmd(context.Background(), s.be, real.features, made.features, feature.Size, subsets, size, key, s.progress)
	if err != nil {
		t.Fatal(err)
	}
	got["kid"], got["kid_std_error"] = m.value(), m.stdErr()
	if len(want) != len(got) {
		t.Errorf("%d numbers, want %d", len(got), len(want))
	}
	for name, w := range want {
		t.Logf("%-14s %.9g, by NumPy %.9g", name, got[name], w)
		if !(math.Abs(got[name]-w) <= 1e-4*math.Abs(w)) || w == 0 {
			t.Errorf("%s is %v, NumPy says %v", name, got[name], w)
		}
	}
}
