package model

import (
	"fmt"
	"math/bits"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/option"
)

// MaxUnits bounds a layer: larger is a slip of the hand, not a network.
const MaxUnits = 1 << 16

// MaxLayers bounds a list of layers, which a file may give: no published network of these
// kinds has as many, and compiling a step takes longer than in proportion.
const MaxLayers = 64

// CheckUnits returns the fault of a field of a kind of pkg whose number of units is
// not from 1 to MaxUnits, or nil.
func CheckUnits(pkg, field string, n int) []error {
	if n < 1 || n > MaxUnits {
		return []error{option.Errorf("%s: {"+field+"} %d: want 1 to %d", pkg, n, MaxUnits)}
	}
	return nil
}

// CheckLayers returns the faults of a list of layers: that it is empty or has more than
// MaxLayers, and those that CheckUnits finds of each layer.
func CheckLayers(pkg, field string, layers []int) []error {
	if len(layers) == 0 {
		return []error{option.Errorf("%s: {"+field+"} is empty: want the size of at least one layer, as {"+field+"} 64", pkg)}
	}
	if len(layers) > MaxLayers {
		return []error{option.Errorf("%s: {"+field+"} has %d layers: want at most %d", pkg, len(layers), MaxLayers)}
	}
	var faults []error
	for i, n := range layers {
		if n < 1 || n > MaxUnits {
			faults = append(faults, option.Errorf("%s: {"+field+"}: layer %d is %d: want 1 to %d", pkg, i+1, n, MaxUnits))
		}
	}
	return faults
}

// CheckNumbers returns an error if the items are tokens, whose numbers are names. family begins the error, and
// sequence is a recipe of networks that take them.
func CheckNumbers(family string, item medium.Item, sequence string) error {
	if item.Element != medium.Tokens {
		return nil
	}
	return fmt.Errorf("%s takes numbers, and these %ss are tokens: use %s", family, medium.Noun(item), sequence)
}

// CheckHalvings returns an error, with a way out, if the rows and columns of an image
// cannot be halved n times, once for each of the layers that the field names. family begins
// the error, and dense is a recipe whose networks take items of any shape.
func CheckHalvings(family, field string, img medium.Item, n int, dense string) error {
	h, w, _, err := medium.HWC(img)
	if err != nil {
		return fmt.Errorf("%s: %w; use dense networks, as those of %s", family, err, dense)
	}
	m, side := 1<<n, min(h, w)
	if h%m == 0 && w%m == 0 {
		return nil
	}
	way := "use dense networks, as those of " + dense
	if side >= m || h == w { // images are cropped to a square before they are resized
		way = fmt.Sprintf("use {Size} %d", (side+m-1)/m*m)
	}
	if most := bits.TrailingZeros(uint(h | w)); most > 0 {
		way += fmt.Sprintf(", or at most %s of {"+field+"}", english.Plural(most, "layer"))
	}
	return option.Errorf(family+": images of %v: with %s of {"+field+"} rows and columns must be multiples of %d; "+way, img, english.Plural(n, "layer"), m)
}
