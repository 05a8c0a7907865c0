package nn

import (
	"math"

	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
)

// An Init fills dst with the initial value of a parameter of the given shape, in row-major order. Its random numbers
// depend on key alone. Assign one to Builder.Kernel, Builder.Bias or Builder.Gamma, or pass it to Builder.Param.
type Init func(key rng.Key, shape tensor.Shape, dst []float32)

// fans returns the number of inputs and of outputs of a unit. As in Keras, the last axis of a kernel counts as the
// outputs, the axis before it as the inputs, and both are multiplied by the size of the other axes. For a transposed
// convolution the two are therefore exchanged, as they are in Keras.
func fans(s tensor.Shape) (in, out float64) {
	switch len(s) {
	case 0:
		return 1, 1
	case 1:
		return float64(s[0]), float64(s[0])
	}
	positions := s[:len(s)-2].Size()
	return float64(positions * s[len(s)-2]), float64(positions * s[len(s)-1])
}

// GlorotUniform draws from the uniform distribution U(−r, r) with r = √(6 / (fan_in + fan_out)), whose variance is
// 2/(fan_in + fan_out). It is the usual choice before tanh and sigmoid, and the default of a Builder, as in Keras.
// Glorot & Bengio 2010, eq. 16.
func GlorotUniform(key rng.Key, shape tensor.Shape, dst []float32) {
	in, out := fans(shape)
	r := math.Sqrt(6 / (in + out))
	key.Uniform(dst)
	for i, u := range dst {
		dst[i] = float32((2*float64(u) - 1) * r)
	}
}

// HeNormal draws from N(0, 2/fan_in). It is the usual choice before ReLU. He et al., arXiv:1502.01852, eq. 10. Keras
// truncates this distribution at two standard deviations; HeNormal does not.
func HeNormal(key rng.Key, shape tensor.Shape, dst []float32) {
	in, _ := fans(shape)
	Normal(0, math.Sqrt(2/in))(key, shape, dst)
}

// Normal returns an Init that draws from N(mean, sd²).
func Normal(mean, sd float64) Init {
	return func(key rng.Key, _ tensor.Shape, dst []float32) {
		key.Normal(dst)
		for i, x := range dst {
			dst[i] = float32(mean + sd*float64(x))
		}
	}
}

// Zeros sets every element to 0.
func Zeros(_ rng.Key, _ tensor.Shape, dst []float32) { clear(dst) }

// Constant returns an Init that sets every element to v.
func Constant(v float32) Init {
	return func(_ rng.Key, _ tensor.Shape, dst []float32) {
		for i := range dst {
			dst[i] = v
		}
	}
}
