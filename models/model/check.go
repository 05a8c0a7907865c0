package model

import "github.com/imago-ml/imago/internal/option"

// MaxUnits bounds a layer: larger is a slip of the hand, not a network.
const MaxUnits = 1 << 16

// CheckUnits returns the fault of a field of a kind of pkg whose number of units is
// not from 1 to MaxUnits, or nil.
func CheckUnits(pkg, field string, n int) []error {
	if n < 1 || n > MaxUnits {
		return []error{option.Errorf("%s: {"+field+"} %d: want 1 to %d", pkg, n, MaxUnits)}
	}
	return nil
}

// CheckLayers returns the faults of a list of layers: that it is empty, and those
// that CheckUnits finds of each layer.
func CheckLayers(pkg, field string, layers []int) []error {
	if len(layers) == 0 {
		return []error{option.Errorf("%s: {"+field+"} is empty: want the size of at least one layer, as {"+field+"} 64", pkg)}
	}
	var faults []error
	for i, n := range layers {
		if n < 1 || n > MaxUnits {
			faults = append(faults, option.Errorf("%s: {"+field+"}: layer %d is %d: want 1 to %d", pkg, i+1, n, MaxUnits))
		}
	}
	return faults
}
