package data

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/imago-ml/imago/formats/imageio"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/option"
)

// A BadFile is a file or folder that cannot be read.
type BadFile struct {
	Name string
	Err  error // it names the file too, if it is that of an ImageFile
}

// maxBadFiles is how many bad files an error lists.
const maxBadFiles = 20

// A BadFilesError says which files of a set cannot be read.
type BadFilesError struct {
	Files []BadFile // in the order of their names
	Of    int       // files that were tried
}

// Error returns a line about a single file, or a line for each of the first.
func (e *BadFilesError) Error() string { return e.text().Error() }

// Unwrap returns what names the option that leaves bad files out, and each file's error.
func (e *BadFilesError) Unwrap() []error {
	all := []error{e.text()}
	for _, f := range e.Files {
		all = append(all, f.Err)
	}
	return all
}

func (e *BadFilesError) text() *option.Error {
	if len(e.Files) == 1 {
		return option.Errorf("%w, or leave it out with {SkipBad}", e.Files[0].Err)
	}
	var lines strings.Builder
	for _, f := range e.Files[:min(len(e.Files), maxBadFiles)] {
		fmt.Fprintf(&lines, "\n  %s: %s", f.Name, f.reason())
	}
	if more := len(e.Files) - maxBadFiles; more > 0 {
		fmt.Fprintf(&lines, "\n  and %s", english.Plural(more, "more file"))
	}
	return option.Errorf("%d of %s cannot be read: put good files in their place, delete them, or leave them out with {SkipBad}:%s",
		len(e.Files), english.Plural(e.Of, "file"), lines.String())
}

// reason returns what is wrong with a file, without its name and the remedy.
func (f BadFile) reason() string {
	text := strings.TrimPrefix(f.Err.Error(), f.Name+": ")
	if at := strings.LastIndex(text, "; put a good "); at >= 0 {
		text = text[:at]
	}
	return text
}

// fileFacts are what is known of a file once it is decoded.
type fileFacts struct {
	imageio.Info
	lowest, highest uint8 // levels of the image
	err             error
}

// A survey keeps what is met when the files of a Decoding are decoded.
type survey struct {
	d     Decoding
	files []fileFacts // of each; no two goroutines write to one
	bar   *bar
}

// decode decodes file i. A bad file is kept for check, and is black here; an error of the machine is none of the file.
func (s *survey) decode(i int, dst []uint8) (sum [32]byte, err error) {
	f := &s.files[i]
	sum, f.Info, f.err = s.d.decode(i, dst)
	s.bar.add(s.d.Files[i].Size)
	if OfMachine(f.err) {
		return sum, f.err
	}
	if f.err != nil {
		clear(dst)
		return [32]byte{}, nil
	}
	f.lowest, f.highest = slices.Min(dst), slices.Max(dst)
	return sum, nil
}

// bad returns what cannot be read.
func (s *survey) bad() []BadFile {
	bad := slices.Clone(s.d.Bad)
	for i, f := range s.files {
		if f.err != nil {
			bad = append(bad, BadFile{s.d.Files[i].Name, f.err})
		}
	}
	slices.SortStableFunc(bad, func(a, b BadFile) int { return cmp.Compare(a.Name, b.Name) })
	return bad
}

// check returns an error if files cannot be read that are not to be left out, or if none
// can.
func (s *survey) check() error {
	bad := s.bad()
	n := len(s.files) + len(s.d.Bad)
	switch {
	case len(bad) == 0, s.d.SkipBad && len(bad) < n:
		return nil
	}
	return &BadFilesError{Files: bad, Of: n}
}

// notes returns what a person should know of the files and of what was done with them.
func (s *survey) notes() []Note {
	var set Set
	if bad := s.bad(); len(bad) > 0 {
		const most = 5
		var names []string
		for _, f := range bad[:min(len(bad), most)] {
			names = append(names, fmt.Sprintf("%s: %s", f.Name, f.reason()))
		}
		if len(bad) > most {
			names = append(names, english.Plural(len(bad)-most, "more file"))
		}
		set.Warn("left out: %s that cannot be read (%s)", english.Plural(len(bad), "file"), strings.Join(names, "; "))
	}
	s.noteSizes(&set)
	s.noteForms(&set)
	return set.Notes
}

// noteSizes notes the sizes of the files and what resizing does to them.
func (s *survey) noteSizes(set *Set) {
	var small, large imageio.Info
	n, enlarged, cut := 0, 0, 0.0
	for _, f := range s.files {
		if f.err != nil {
			continue
		}
		if n == 0 || f.H*f.W < small.H*small.W {
			small = f.Info
		}
		if n == 0 || f.H*f.W > large.H*large.W {
			large = f.Info
		}
		n++
		square := min(f.H, f.W)
		if s.d.Crop > 0 {
			square = min(square, s.d.Crop)
		}
		if s.d.H == s.d.W && square < s.d.H {
			enlarged++
		}
		cut += 1 - float64(square)/float64(f.H)*float64(square)/float64(f.W)
	}
	if n == 0 || s.d.H != s.d.W || small.H == s.d.H && small.W == s.d.W && large.H == s.d.H && large.W == s.d.W {
		return // nothing is resized
	}
	sizes := fmt.Sprintf("%dx%d", small.W, small.H)
	if small.H != large.H || small.W != large.W {
		sizes += fmt.Sprintf(" to %dx%d", large.W, large.H)
	}
	text := fmt.Sprintf("the pictures have %s pixels (width x height): each is cropped to a square in its middle", sizes)
	if cut /= float64(n); cut >= 0.005 {
		text += fmt.Sprintf(", which cuts away %.0f %% on average,", 100*cut)
	}
	text += fmt.Sprintf(" and resized to %dx%d", s.d.W, s.d.H)
	switch {
	case enlarged == 0:
		set.Tell("%s", text)
	case 2*enlarged <= n:
		set.Tell("%s; %d of %d are enlarged, and blurred thereby", text, enlarged, n)
	default:
		set.Warn("%s; %d of %d are enlarged, and blurred thereby: a smaller size suits them", text, enlarged, n)
	}
}

// noteForms notes what the files hold that the images do not.
func (s *survey) noteForms(set *Set) {
	n, grey, clear, several, deep := 0, 0, 0, 0, 0
	lowest, highest := uint8(255), uint8(0)
	for _, f := range s.files {
		if f.err != nil {
			continue
		}
		n++
		lowest, highest = min(lowest, f.lowest), max(highest, f.highest)
		for _, c := range []struct {
			is    bool
			count *int
		}{{f.C == 1, &grey}, {f.Transparent, &clear}, {f.Frames > 1, &several}, {f.Deep, &deep}} {
			if c.is {
				*c.count++
			}
		}
	}
	switch {
	case s.d.C == 3 && grey > 0 && grey < n:
		set.Tell("%d of %s are grey, the others in colour: all are read in colour", grey, english.Plural(n, "picture"))
	case s.d.C == 1 && grey < n:
		set.Tell("%d of %s are in colour, and are made grey", n-grey, english.Plural(n, "picture"))
	}
	if clear > 0 {
		set.Tell("%d of %s have transparent parts, which become white", clear, english.Plural(n, "picture"))
	}
	if several > 0 {
		set.Warn("%d of %s hold several pictures, as an animated GIF or a TIFF of pages does: the first of each is read", several, english.Plural(n, "file"))
	}
	if deep > 0 {
		set.Tell("%d of %s have 16 bits a channel, of which the upper 8 are read", deep, english.Plural(n, "picture"))
	}
	const narrow = 32 // levels
	if n > 0 && int(highest)-int(lowest) < narrow {
		set.Warn("the pixels are %d to %d of 0 to 255, so the pictures look all the same: write the files anew with levels from black to white, unless they are meant so", lowest, highest)
	}
}
