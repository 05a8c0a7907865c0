package cli

import "github.com/imago-ml/imago/data"

// An attribute is what some images of a set have and others have not.
type attribute struct{ data.Trait }

// attributeOf finds an attribute or a class of a set by its name.
func attributeOf(set *data.Set, name string) (attribute, error) {
	t, err := set.Trait(name)
	return attribute{t}, err
}

// evenlySpaced returns n of a split's images at equal distances, or all if n is 0 or there are no more.
func evenlySpaced(p data.Split, n int) (data.Split, error) {
	if n == 0 || n >= p.Len() {
		return p, nil
	}
	index := make([]int, n)
	for k := range index {
		index[k] = k * p.Len() / n
	}
	return p.Select(index)
}
