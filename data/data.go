// Package data defines data sets, and finds, downloads and opens them.
//
// A Set has a training and a test Split. A Split has Items, such as images, and one
// label for each if the set is labelled. All Items of a set have one medium.Item: its
// shape and what its values stand for. Levels, such as pixels, are held as bytes;
// Floats scales them to [0, 1].
//
// A Source is a set known by name, an Opener reads one kind of path (folder, zip, IDX,
// NPZ), and a Registry holds both: Registry.Open returns a Set. Locate returns where the
// files of a named set are searched, and Downloader fetches them. To use data of your
// own, make a Set of NewInMemory or NewValues, or implement Items.
//
// The package must not know the file format or the name of any set: those are the
// packages below data/, which the program registers by explicit calls.
package data

import (
	"context"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/internal/option"
)

// N items of a Shape; an image has H rows, W columns and C channels, in every comment
// of this package.

// Items is a sequence of items of one shape, such as images. Items whose Element is not
// medium.Levels implement Exact too.
type Items interface {
	// Len returns N.
	Len() int
	// Item describes every item: its medium, shape and element.
	Item() medium.Item
	// At writes the levels of item i, 0 to 255, in row-major order to the front of
	// dst. It is safe for concurrent use. It fails if i is outside [0, N), if dst is
	// too short, or if an item that is read on demand cannot be read.
	At(i int, dst []uint8) error
}

// A Split is the part of a set used for one purpose.
type Split struct {
	Items  Items   // never nil in a set from a Source or an Opener; may be empty
	Labels []int32 // one in [0, len(Set.Classes)) an image, or nil if unlabelled

	// Attributes says of each image which of Set.Attributes it has: (N, A), 0 or 1,
	// row major; nil if nothing is said.
	Attributes []uint8

	// Origins say where each item comes from; see Origin.
	Origins Origins
}

// Len returns the number of images; 0 for the zero Split.
func (s Split) Len() int {
	if s.Items == nil {
		return 0
	}
	return s.Items.Len()
}

// A Set is images to train on and images to judge by, all of one shape.
type Set struct {
	Name        string
	Train, Test Split
	Validation  Split    // apart from both, to choose a model by; empty unless Options.Validation is set
	Classes     []string // the name of each label; nil if no split is labelled
	Attributes  []string // the names of the A attributes; nil if no split has any

	// Channels is the set of which each channel of an image is an image, as in stacked
	// MNIST: its parts are the parts of this set. nil = the channels are no images of
	// their own.
	Channels *Set

	// Notes are what a person should know before a model is trained on the set: what was
	// left out or changed, and what looks wrong. Tell and Warn add one.
	Notes []Note

	// Range is the scale that the pixels of an array were found to have, as in
	// Reading.Range, where other arrays of the same scale may not show it; "" = it does not
	// matter.
	Range string

	// Digest is the SHA-256, in hex, of what identifies the content: two sets
	// with equal digests give equal images in equal order. It goes into run.json.
	Digest string

	// Path is the absolute path of the file or folder that Registry.Open read; "" of a set
	// known by name, or made in memory.
	Path string
}

// Item describes every item of s, from the first split that has items; the zero Item if
// none has.
func (s Set) Item() medium.Item {
	for _, p := range []Split{s.Train, s.Test} {
		if p.Len() > 0 {
			return p.Items.Item()
		}
	}
	return medium.Item{}
}

// Validate returns an error for a set without training items, with two shapes, with
// items that their medium does not allow, or with labels that do not match the items in
// number or are outside the classes.
func (s Set) Validate() error {
	if s.Train.Len() == 0 {
		return fmt.Errorf("data: %s: no training images", s.Name)
	}
	item := s.Item()
	if err := item.Check(); err != nil {
		return fmt.Errorf("data: %s: %w", s.Name, err)
	}
	if item.Medium == nil {
		return fmt.Errorf("data: %s: items of %v without a medium: want one that draws and writes them, as pixels.Item has", s.Name, item)
	}
	for what, names := range map[string][]string{"class": s.Classes, "attribute": s.Attributes} {
		for _, name := range names {
			if !utf8.ValidString(name) { // run.json is JSON, which cannot hold it
				return fmt.Errorf("data: %s: the name of the %s %q is not UTF-8: rename its folder or file, or write the set again with another name", s.Name, what, name)
			}
		}
	}
	for _, p := range []struct {
		name string
		Split
	}{{"train", s.Train}, {"validation", s.Validation}, {"test", s.Test}} {
		if p.Len() > 0 {
			if other := p.Items.Item(); !other.Equal(item) {
				return fmt.Errorf("data: %s: %s images are %v, the training images %v", s.Name, p.name, other, item)
			}
		}
		if err := s.checkAttributes(p.name, p.Split); err != nil {
			return err
		}
		if p.Labels == nil {
			continue
		}
		if len(p.Labels) != p.Len() {
			return fmt.Errorf("data: %s: %s: %d images but %d labels", s.Name, p.name, p.Len(), len(p.Labels))
		}
		for i, l := range p.Labels {
			if l < 0 || int(l) >= len(s.Classes) {
				return fmt.Errorf("data: %s: %s: label %d of image %d is outside [0, %d)", s.Name, p.name, l, i, len(s.Classes))
			}
		}
	}
	return nil
}

func (s Set) checkAttributes(name string, p Split) error {
	if p.Attributes == nil {
		return nil
	}
	if a := len(s.Attributes); len(p.Attributes) != p.Len()*a {
		return fmt.Errorf("data: %s: %s: %d attributes for %d images, want %d each", s.Name, name, len(p.Attributes), p.Len(), a)
	}
	for i, v := range p.Attributes {
		if v > 1 {
			return fmt.Errorf("data: %s: %s: attribute %s of image %d is %d, want 0 or 1", s.Name, name, s.Attributes[i%len(s.Attributes)], i/len(s.Attributes), v)
		}
	}
	return nil
}

// Options say where to look for a set and in what form to give it. The zero
// value is ready for use.
type Options struct {
	DataDir      string        // looked in first, and downloaded to; "" = $IMAGO_DATA, then the user's cache
	Size         int           // side in pixels of the square every image is cropped and resized to; 0 = as it is
	Crop         int           // side of the square cut out of the middle before that; 0, or more than there is: the largest
	Gray         bool          // one channel, whatever the files hold
	Medium       medium.Medium // of the data that the set goes with, such as those of a trained model: a table takes its columns' names and ranges; nil = the set's own
	Label        string        // column of a table that is the class of its row, by name or number from 1; "" = one named so, "-" = none
	Offline      bool          // never use the network
	NoCache      bool          // keep no decoded images on disk, and use none
	Progress     io.Writer     // told of downloads and long reads; nil = silent
	Seed         uint64        // chooses the held-out images where the files do not
	Whole        bool          // hold nothing out: all items of files that do not say are in the training part, in their order
	TestFraction float64       // part of the images held out where the files do not say, in (0, 1); 0 = DefaultTestFraction
	Validation   float64       // part of the training images that is Set.Validation, in [0, 1)
	Without      []string      // names of classes whose images are left out of both parts
	Limit        int           // most items of the training part, taken evenly from the classes by Seed; 0 = all
	SkipBad      bool          // leave out image files that cannot be read, in place of an error

	Input io.Reader // what the set called StandardInput is read from; nil = it is gone

	Reading // how tables and arrays are read
}

// DefaultTestFraction is the part held out when Options.TestFraction is 0.
const DefaultTestFraction = 0.1

// MaxSize is the largest Options.Size.
const MaxSize = 4096

// Validate reports the first option that is out of range.
func (o Options) Validate() error {
	if o.Size < 0 || o.Size > MaxSize {
		return option.Errorf("data: {Size} %d, want 0 (as the files are) to %d", o.Size, MaxSize)
	}
	if o.Crop < 0 || o.Crop > MaxSize {
		return option.Errorf("data: {Crop} %d, want 0 (the largest square) to %d", o.Crop, MaxSize)
	}
	if !(o.TestFraction >= 0 && o.TestFraction < 1) {
		return option.Errorf("data: {TestFraction} %v, want at least 0 and below 1", o.TestFraction)
	}
	if !(o.Validation >= 0 && o.Validation < 1) {
		return option.Errorf("data: {Validation} %v, want a part of the training images below 1, as 0.1, or 0 (none)", o.Validation)
	}
	if o.Limit < 0 {
		return option.Errorf("data: {Limit} %d, want 0 (all) or more", o.Limit)
	}
	return o.Reading.Validate()
}

// Side returns the side of the square images that Size and Crop ask for: Size, else Crop;
// 0 = as they are.
func (o Options) Side() int {
	if o.Size > 0 {
		return o.Size
	}
	return o.Crop
}

// A Source is a set known by name.
type Source struct {
	Name  string // as in --data NAME
	About string // one line for imago data list

	// Load gives the set, fetching what is missing unless opt.Offline. It may
	// leave Size and Gray to Registry.Open.
	Load func(ctx context.Context, opt Options) (*Set, error)

	// Crops says that Load crops as Options.Crop asks; otherwise Registry.Open does.
	Crops bool

	// Get fetches what is missing and checks it; nil if the set is drawn.
	Get func(ctx context.Context, opt Options) error

	// Home is where the files are to be had by hand, if imago may not fetch them: then
	// Get says so, unless they are here. "" = it may.
	Home string

	// Find says where each file is without a look inside; nil = Verify, which does not
	// take long.
	Find func(ctx context.Context, opt Options) ([]FileStatus, error)

	// Verify says of each file whether it is whole; nil if the set is drawn.
	Verify func(ctx context.Context, opt Options) ([]FileStatus, error)
}

// A FileStatus is what Verify found of one file.
type FileStatus struct {
	Name   string // as the set calls it
	Path   string // where it was found; "" if nowhere
	Size   int64  // bytes on disk
	SHA256 string // of the bytes on disk, in hex
	Err    error  // nil: whole and right. Otherwise what is wrong and the way out
}
