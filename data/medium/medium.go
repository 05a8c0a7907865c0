// Package medium defines what flows through imago: an Item, one datum such as an
// image or a row of a table, and the Medium that it belongs to.
//
// Everything between a data set and a picture handles values of a known Shape and
// nothing else: models, training, evaluation and the pictures of a report work for
// every medium. What is special about a medium is behind one interface: which items
// it allows, how an item is drawn, and how it is written to a file and read.
//
// # Adding a medium
//
// A new medium, say sound, is one package below data/:
//
//   - a type that implements Medium. It is a small value whose exported fields are its
//     settings, such as a sample rate; run.json saves them, and the type reads them
//     back with encoding/json;
//
//   - a constructor of its Items, such as sound.Item(samples, rate);
//
//   - a Kind, which the program registers beside its data sets, so that saved runs
//     can be opened:
//
//     models.Media.Register(sound.Kind())
//
//   - data sets: a data.Source or data.Opener whose Items return that Item;
//
//   - if messages are to call an item and its values something else than item and value:
//     methods Noun and ValueNoun, as "image" and "pixel". Reword puts these words into texts.
//
// A dense network trains on items of any shape. A convolutional one takes items of
// three axes, whatever the medium: HWC returns them.
//
// The values of an item are float32, row major, in [0, 1] unless its Element is
// Tokens: the medium knows what 0 and 1 stand for in the units of its files.
//
// The package must not know any concrete medium, model or data set.
package medium

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/imago-ml/imago/engine/tensor"
)

// A Medium is a kind of data. Its methods are safe for concurrent use; they may
// assume that Check accepts the item.
type Medium interface {
	// Name returns the name of the medium, as saved in run.json: "image", "table".
	Name() string
	// Check returns an error if items of the medium cannot have that shape, element
	// or vocabulary. The error says what is allowed.
	Check(item Item) error

	// TileSize returns the size of the picture of one item: h rows and w columns of
	// pixels, c channels, 1 (grey) or 3 (red, green, blue).
	TileSize(item Item) (h, w, c int)
	// Tile draws one item: values (Shape) → dst (h, w, c), pixels in [0, 1]. All
	// grids, manifolds and reports are composed of tiles.
	Tile(item Item, values, dst []float32)

	// Format describes the files that Encode writes.
	Format(item Item) Format
	// Encode returns a file of the items in values (n, Shape). n is 1 unless
	// Format(item).Many.
	Encode(item Item, values []float32) ([]byte, error)
	// Decode returns the items in a file that the user names, n ≥ 1: (n, Shape). It
	// may convert what it reads to the shape of item, as a picture is cropped and
	// resized, or return an error that says what was found and what is wanted.
	Decode(item Item, file []byte) ([]float32, error)
}

// A Format describes the files of a medium.
type Format struct {
	Extension string // of their names, with the dot: ".png"
	Many      bool   // a file can hold more than one item
}

// A Tabular is a Medium whose items are records of named cells, such as the rows of a
// table, to be written among the columns of a larger table.
type Tabular interface {
	Medium
	// Header returns the names of the cells of an item.
	Header(item Item) []string
	// Cells returns the cells of one item in the units of its files, one for each name
	// of Header: a float64 or a string.
	Cells(item Item, values []float32) []any
}

// A Texter is a Medium whose items are texts of one line, to be printed.
type Texter interface {
	Medium
	// Text returns the text of one item.
	Text(item Item, values []float32) string
}

// A Joiner is a Medium that also writes several items one after another into one file of its
// Format, such as clips of sound with a pause between.
type Joiner interface {
	Medium
	// Join returns a file of the items in values (n, Shape).
	Join(item Item, values []float32) ([]byte, error)
}

// A Terminator is a Medium of tokens whose sequences may end before their last step.
type Terminator interface {
	Medium
	// End returns the id of the token that ends a sequence and fills all steps after it. A
	// sequence as long as the item has none.
	End(item Item) int
}

// End returns the id of the token that ends a sequence of an item, and whether there is one:
// sequences of a medium that is no Terminator are all of one length.
func End(it Item) (id int, ok bool) {
	if m, is := it.Medium.(Terminator); is && it.Element == Tokens {
		return m.End(it), true
	}
	return 0, false
}

// A Measurer is a Medium whose items have numbers by which a person would steer a model, such as
// the density of the notes of a melody. A set of such items has attributes of these names, which
// say whether an item has more of it than others.
type Measurer interface {
	Medium
	// Measures returns the names of the numbers.
	Measures(item Item) []string
	// Measure returns the numbers of one item, in the order of Measures.
	Measure(item Item, values []float32) []float64
}

// A Masked is a Medium of sequences of vectors, (T, D), that may end before their last step:
// one of the D channels is 1 in each step of a sequence, and 0 in those that fill up the item
// after its end.
type Masked interface {
	Medium
	// MaskChannel returns the number of that channel.
	MaskChannel(item Item) int
}

// MaskChannel returns the channel that says which steps of an item belong to its sequence, and
// whether there is one: sequences of a medium that is no Masked are all of one length.
func MaskChannel(it Item) (channel int, ok bool) {
	if m, is := it.Medium.(Masked); is && len(it.Shape) == 2 {
		return m.MaskChannel(it), true
	}
	return 0, false
}

// A Mirror is a Medium whose items may be mirrored to augment training data.
type Mirror interface {
	Medium
	// MirrorLeftRight mirrors one item in place.
	MirrorLeftRight(item Item, values []float32)
}

// A Shifter is a Medium whose items may be moved to augment training data.
type Shifter interface {
	Medium
	// Shift moves one item in place by so many rows down and columns right, or up and left
	// if they are negative. What comes in has the values of the edge.
	Shift(item Item, values []float32, rows, columns int)
}

// A Delayer is a Medium whose items run along their columns, and may begin earlier or later
// to augment training data.
type Delayer interface {
	Medium
	// Delay moves one item in place by so many columns right, or left if they are negative.
	// What comes in is silence.
	Delay(item Item, values []float32, columns int)
}

// An Element is what the values of an item stand for.
type Element int

// The elements.
const (
	Levels Element = iota // one of 256 levels, 0, 1/255, … 1, as the bytes of an image
	Reals                 // any number in [0, 1]
	Tokens                // a whole number from 0 to Vocabulary − 1
)

var elementNames = [...]string{"levels", "reals", "tokens"}

// String returns levels, reals or tokens.
func (e Element) String() string {
	if e < 0 || int(e) >= len(elementNames) {
		return fmt.Sprintf("Element(%d)", int(e))
	}
	return elementNames[e]
}

// MarshalText returns the name of the element.
func (e Element) MarshalText() ([]byte, error) {
	if e < 0 || int(e) >= len(elementNames) {
		return nil, fmt.Errorf("medium: no element %d", int(e))
	}
	return []byte(elementNames[e]), nil
}

// UnmarshalText reads the name of an element.
func (e *Element) UnmarshalText(text []byte) error {
	for i, name := range elementNames {
		if name == string(text) {
			*e = Element(i)
			return nil
		}
	}
	return fmt.Errorf("medium: no element %q; have %s", text, strings.Join(elementNames[:], ", "))
}

// An Item describes the data that a model is built for or that a set consists of:
// all items of a set have one Item. It does not hold values.
type Item struct {
	Medium     Medium       // nil = none: such items can be trained on, but neither drawn nor written
	Shape      tensor.Shape // at least one axis, each ≥ 1; an image has (H, W, C)
	Element    Element
	Vocabulary int // number of tokens; 0 unless Element is Tokens
}

// Size returns the number of values, the product of the axes; 0 for the zero Item.
func (it Item) Size() int {
	if len(it.Shape) == 0 {
		return 0
	}
	return it.Shape.Size()
}

// Batch returns the shape of n items: (n, Shape…).
func (it Item) Batch(n int) []int { return append([]int{n}, it.Shape...) }

// String returns the axes as in 28x28x1, and 0 for the zero Item.
func (it Item) String() string { return axes(it.Shape) }

func axes(shape []int) string {
	if len(shape) == 0 {
		return "0"
	}
	parts := make([]string, len(shape))
	for i, n := range shape {
		parts[i] = strconv.Itoa(n)
	}
	return strings.Join(parts, "x")
}

// Equal reports whether two items have the same medium, shape, element and
// vocabulary. Media are compared by name: their settings may differ.
func (it Item) Equal(o Item) bool {
	return it.mediumName() == o.mediumName() && it.Shape.Equal(o.Shape) && it.Element == o.Element && it.Vocabulary == o.Vocabulary
}

func (it Item) mediumName() string {
	if it.Medium == nil {
		return ""
	}
	return it.Medium.Name()
}

// maxValues bounds the values of one item.
const maxValues = 1 << 28

// Check returns an error unless the item has a shape of axes of 1 or more, a known
// element, a vocabulary if and only if it holds tokens, and is accepted by its medium.
func (it Item) Check() error {
	if len(it.Shape) == 0 {
		return errors.New("items without a shape: want at least one axis")
	}
	if err := it.Shape.Check(); err != nil || it.Size() > maxValues {
		return fmt.Errorf("items of shape %v: want axes of 1 or more and at most %d values", it, maxValues)
	}
	switch {
	case it.Element < 0 || int(it.Element) >= len(elementNames):
		return fmt.Errorf("items of %v: want levels, reals or tokens", it.Element)
	case it.Element == Tokens && it.Vocabulary < 1:
		return fmt.Errorf("items of tokens with a vocabulary of %d: want 1 or more", it.Vocabulary)
	case it.Element != Tokens && it.Vocabulary != 0:
		return fmt.Errorf("items of %v with a vocabulary of %d: want 0", it.Element, it.Vocabulary)
	case it.Medium == nil:
		return nil
	}
	return it.Medium.Check(it)
}

// HWC returns the rows, columns and channels of an item of three axes, as a
// convolutional network takes it. The error says which shape was found.
func HWC(it Item) (h, w, c int, err error) {
	if len(it.Shape) != 3 {
		name := it.mediumName()
		if name == "" {
			name = "unnamed"
		}
		return 0, 0, 0, fmt.Errorf("items of the %s medium with shape %v: want three axes, rows, columns and channels", name, it)
	}
	return it.Shape[0], it.Shape[1], it.Shape[2], nil
}

// TileSize returns the size of the tile of an item: Medium.TileSize, or one pixel of an
// item without a medium.
func TileSize(it Item) (h, w, c int) {
	if it.Medium == nil {
		return 1, 1, 1
	}
	return it.Medium.TileSize(it)
}

// Draw returns the tiles of n items: values (n, Shape) → pix (n, h, w, c). It fails
// if the item has no medium or values is not a whole number of items.
func Draw(it Item, values []float32) (pix []float32, h, w, c int, err error) {
	n, err := it.count(values)
	if err != nil {
		return nil, 0, 0, 0, err
	}
	h, w, c = it.Medium.TileSize(it)
	size, tile := it.Size(), h*w*c
	pix = make([]float32, n*tile)
	for i := range n {
		it.Medium.Tile(it, values[i*size:(i+1)*size], pix[i*tile:(i+1)*tile])
	}
	return pix, h, w, c, nil
}

// count returns how many items values has.
func (it Item) count(values []float32) (n int, err error) {
	if err := it.Check(); err != nil {
		return 0, fmt.Errorf("medium: %w", err)
	}
	if it.Medium == nil {
		return 0, errors.New("medium: items without a medium can be neither drawn nor written")
	}
	if size := it.Size(); len(values)%size != 0 {
		return 0, fmt.Errorf("medium: %d values, want a multiple of %d as items of shape %v", len(values), size, it)
	}
	return len(values) / it.Size(), nil
}

// Encode returns files of the items in values (n, Shape): one file of all if the
// medium's files hold many, else one for each. It fails as Draw does.
func Encode(it Item, values []float32) ([][]byte, error) {
	n, err := it.count(values)
	if err != nil {
		return nil, err
	}
	each := it.Size()
	if it.Medium.Format(it).Many {
		each *= n
	}
	var files [][]byte
	for at := 0; at < len(values); at += each {
		file, err := it.Medium.Encode(it, values[at:at+each])
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}
