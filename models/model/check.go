package model

import "fmt"

// MaxUnits bounds a layer: larger is a slip of the hand, not a network.
const MaxUnits = 1 << 16

// CheckUnits reports the flag of a kind of pkg whose number of units is not from
// 1 to MaxUnits.
func CheckUnits(pkg, flag string, n int) []error {
	if n < 1 || n > MaxUnits {
		return []error{fmt.Errorf("%s: --%s %d: want 1 to %d", pkg, flag, n, MaxUnits)}
	}
	return nil
}

// CheckLayers returns CheckUnits of each layer of a list, which has one at least.
func CheckLayers(pkg, flag string, layers []int) []error {
	if len(layers) == 0 {
		return []error{fmt.Errorf("%s: --%s is empty: want the size of at least one layer, as --%s 64", pkg, flag, flag)}
	}
	var faults []error
	for i, n := range layers {
		if n < 1 || n > MaxUnits {
			faults = append(faults, fmt.Errorf("%s: --%s: layer %d is %d: want 1 to %d", pkg, flag, i+1, n, MaxUnits))
		}
	}
	return faults
}
