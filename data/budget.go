package data

import (
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/memory"
)

// itemBytes is about what is kept in memory of an item beside its values: where it comes
// from, its label, its place in the parts of the set and in the order of an epoch, and
// what chooses its part.
const itemBytes = 128

// fileBytes is about what is kept in memory of a file of a folder or zip while all are decoded: how it is opened, what was
// met, and why it cannot be read.
const fileBytes = 1024

// checkFiles returns an error unless memory has room for what is kept of each of n files.
func checkFiles(n int) error {
	return memory.Check(int64(n)*fileBytes, "what is kept of each of %s files", english.Thousands(float64(n)))
}

// CheckItems returns an error unless memory has room for what is kept of each of n items
// beside their values. A source calls it before it makes an array with an entry an item,
// for a small file can hold very many items of one value.
func CheckItems(n int) error {
	return memory.Check(int64(n)*itemBytes, "what is kept of each of %s items", english.Thousands(float64(n)))
}
