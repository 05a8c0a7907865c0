package graph

import "github.com/imago-ml/imago/engine/tensor"

// Evaluate runs a function without inputs by Interp, in float64, on the values of its states, which state returns by name as
// Float32. It returns the outputs in order: what of a model depends on its weights alone.
func Evaluate(f *Func, state func(name string) (*tensor.Tensor, error)) ([]Value, error) {
	env := Env{States: map[string]Value{}}
	for _, s := range f.States {
		t, err := state(s.Name())
		if err != nil {
			return nil, err
		}
		v := make(Value, t.Size())
		for i, x := range t.F32() {
			v[i] = float64(x)
		}
		env.States[s.Name()] = v
	}
	return Interp(f, env)
}
