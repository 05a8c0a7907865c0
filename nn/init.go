package nn

import (
	"math"

	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
)

// An Init fills dst, the elements of a parameter of that shape, row major, with
// its first value. What it draws depends on key alone.
type Init func(key rng.Key, shape tensor.Shape, dst []float32)

// fans counts the inputs and outputs of a unit, as Keras does: the taps of a
// kernel times its last axis but one, and times its last axis. (In and out are
// therefore exchanged for a transposed convolution, there as here.)
func fans(s tensor.Shape) (in, out float64) {
	switch len(s) {
	case 0:
		return 1, 1
	case 1:
		return float64(s[0]), float64(s[0])
	}
	taps := s[:len(s)-2].Size()
	return float64(taps * s[len(s)-2]), float64(taps * s[len(s)-1])
}

// GlorotUniform draws from U(−r, r), r = √(6 / (fan_in + fan_out)), which has the
// variance 2/(fan_in + fan_out). Glorot & Bengio 2010, eq. 16.
func GlorotUniform(key rng.Key, shape tensor.Shape, dst []float32) {
	in, out := fans(shape)
	r := math.Sqrt(6 / (in + out))
	key.Uniform(dst)
	for i, u := range dst {
		dst[i] = float32((2*float64(u) - 1) * r)
	}
}

// HeNormal draws from N(0, 2/fan_in). He et al. 2015, eq. 10. Keras cuts the
// tails at two standard deviations; this does not.
func HeNormal(key rng.Key, shape tensor.Shape, dst []float32) {
	in, _ := fans(shape)
	Normal(0, math.Sqrt(2/in))(key, shape, dst)
}

// Normal draws from N(mean, sd²).
func Normal(mean, sd float64) Init {
	return func(key rng.Key, _ tensor.Shape, dst []float32) {
		key.Normal(dst)
		for i, x := range dst {
			dst[i] = float32(mean + sd*float64(x))
		}
	}
}

// Zeros is 0 everywhere.
func Zeros(_ rng.Key, _ tensor.Shape, dst []float32) { clear(dst) }

// Constant returns v everywhere.
func Constant(v float32) Init {
	return func(_ rng.Key, _ tensor.Shape, dst []float32) {
		for i := range dst {
			dst[i] = v
		}
	}
}
