package data

import (
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/tensor"
)

// FillMeasures writes what the medium of item measures of the items in values (B, Shape) to dst,
// (B, M), and 0 to what is left of it. The medium is a medium.Measurer of M numbers.
func FillMeasures(item medium.Item, values []float32, dst *tensor.Tensor) {
	m := item.Medium.(medium.Measurer)
	f, size := dst.F32(), item.Size()
	k := dst.Size() / dst.Shape()[0]
	clear(f)
	for i := range len(values) / size {
		for j, v := range m.Measure(item, values[i*size:(i+1)*size]) {
			f[i*k+j] = float32(v)
		}
	}
}
