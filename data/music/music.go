// Package music is the media of melodies and of drum patterns, and reads folders and zip files
// of MIDI files.
//
// An item has a token for each sixteenth of its bars of four quarter notes (Roberts et al.
// 2018, arXiv:1803.05416). Of a melody a token is Hold, Off, or a pitch that begins. A window
// that is cut out of a tune begins with a pitch, which may be one that goes on from before, or
// with Off. Of drums it is one of the 512 combinations of nine drums, to which the 22 pads of
// the Groove MIDI set and the percussion of General MIDI are brought (Gillick et al. 2019,
// arXiv:1905.06118).
//
// Open cuts windows of n bars out of every tune, a new one each bar. Notes are moved to the
// nearest sixteenth, and of notes that sound together the highest is the melody. Left out are
// bars of other lengths, windows with a bar of silence, and those that a tune has already had.
// A tune is in one part only, with all its windows. Parts and classes are those of package
// data/folder, or those of an info.csv as the Groove MIDI set has. Notes say what was changed
// or left out. The attributes of an item are whether it has more notes, and larger intervals,
// than the median of the training part.
//
// The package must not know any model. Register its Opener before that of data/folder, which
// takes every folder.
package music

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/folder"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/formats/midi"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/memory"
)

// Steps is the number of steps of a bar: sixteenths of four quarter notes.
const Steps = 16

// The bars of an item: the most, and those of Open unless the options say others.
const (
	MaxBars     = 64
	DefaultBars = 2
)

// Extension is that of the names of MIDI files.
const Extension = ".mid"

// The attributes of an item: it has more of each than the median of the training part.
const (
	NoteDensity     = "note-density"
	AverageInterval = "average-interval" // of melodies
)

// maxFile bounds the bytes of a MIDI file.
const maxFile = 64 << 20

// infoName is the name of a table of performances; see readInfo.
const infoName = "info.csv"

// IsMIDI reports whether a file of that name is a MIDI file, by its extension.
func IsMIDI(name string) bool {
	ext := strings.ToLower(path.Ext(name))
	return ext == Extension || ext == ".midi" || ext == ".smf"
}

// wanted are the files that are read.
var wanted = data.Wanted{
	Is:    func(name string) bool { return IsMIDI(name) || path.Base(name) == infoName },
	Known: midi.Known, Unread: []string{".kar", ".rmi", ".abc", ".mxl", ".musicxml", ".mscz"}, SaveAs: "MIDI", MaxBytes: maxFile,
}

// Opener returns the opener of folders and zip files that hold more MIDI files than images.
func Opener() data.Opener {
	return data.Opener{Name: "music", Match: data.MatchMost(IsMIDI), Open: Open}
}

// tonal reports whether a note has a pitch that is heard as one.
func tonal(n midi.Note) bool { return n.Channel != midi.DrumChannel }

// drum reports whether a note is a hit of a drum that is known.
func drum(n midi.Note) bool { return n.Channel == midi.DrumChannel && drumOf[n.Pitch] >= 0 }

// A tune is what is read of a file.
type tune struct {
	file   *midi.File // nil once it is in steps
	err    error
	counts counts

	score *score   // in steps
	line  line     // of a melody
	hits  []uint16 // of drums
}

// counts are the notes of a tune: with a pitch, of drums that are known, and of others.
type counts struct{ tonal, drums, others int }

// A reading reads the tunes of a set.
type reading struct {
	files []data.ImageFile // those that are used
	tunes []tune
	sums  [][32]byte // SHA-256 of each file
	item  medium.Item
	drums bool
	bars  int
	errs  data.BadFilesError

	// Of the windows, in the order of the files:
	values []float32
	of     []int   // file of each
	rows   []int32 // window of its tune

	facts facts
}

// Open reads the MIDI files below path, a folder or a zip file. An error about a file names it.
func Open(ctx context.Context, path string, opt data.Options) (*data.Set, error) {
	if err := opt.Validate(); err != nil {
		return nil, err
	}
	files, err := data.List(path, wanted)
	if err != nil {
		return nil, fmt.Errorf("music: %w", err)
	}
	defer files.Close()
	info, err := takeInfo(files)
	if err != nil {
		return nil, fmt.Errorf("music: %s: %w", path, err)
	}
	if len(files.Files) == 0 {
		return nil, noTunes(path, files)
	}
	l := folder.Arrange(files.Files, "tune", opt)
	full := make([]string, len(files.Files))
	for i, f := range files.Files {
		full[i] = f.Name
	}
	validation := info.divide(&l, full, opt)
	used := slices.Sorted(slices.Values(slices.Concat(l.Train, l.Test)))
	r := &reading{}
	for _, i := range used {
		r.files = append(r.files, files.Files[i])
	}
	if err := r.read(ctx, opt, files.Bad); err != nil {
		return nil, fmt.Errorf("music: %s: %w", path, err)
	}
	place := func(i int) int { at, _ := slices.BinarySearch(used, i); return at }
	l.Keep(func(i int) bool {
		at, found := slices.BinarySearch(used, i)
		return !found || slices.Contains(r.of, at)
	})
	if info != nil {
		files.Dirs = nil // folders are neither parts nor classes
		info.classify(&l, full)
	}
	if len(l.Train) == 0 {
		return nil, fmt.Errorf("music: %s: no tune of the training part has %s of four quarter notes with notes in each%s", path, english.Plural(r.bars, "bar"), r.instead())
	}
	set := &data.Set{Name: path}
	l.Note(set, files, r.notes(), func(i int) [32]byte { return r.sums[place(i)] })
	if info != nil {
		set.Tell("parts and classes are those of %s%s", infoName, leftOut(validation))
	}
	if err := r.fill(set, &l, place); err != nil {
		return nil, err
	}
	return set, describe(ctx, set)
}

// leftOut says that tunes of a validation part are not used.
func leftOut(validation int) string {
	if validation == 0 {
		return ""
	}
	return fmt.Sprintf("; its validation part, %s, is left out", english.Plural(validation, "tune"))
}

// noTunes returns the error for a folder or zip without a MIDI file.
func noTunes(path string, files *data.Listing) error {
	if len(files.Bad) > 0 {
		return fmt.Errorf("music: %s: %w", path, files.Bad[0].Err)
	}
	but := ""
	if left, _ := files.LeftOutText(); left != "" {
		but = ", but " + left
	}
	return fmt.Errorf("music: %s: no MIDI file in it%s; want %s files", path, but, Extension)
}

// read reads all files, chooses the medium, and cuts the windows.
func (r *reading) read(ctx context.Context, opt data.Options, unopened []data.BadFile) error {
	r.tunes, r.sums = make([]tune, len(r.files)), make([][32]byte, len(r.files))
	err := data.Parallel(ctx, len(r.files), func(i int) error {
		t := &r.tunes[i]
		if t.err = r.open(i); data.OfMachine(t.err) {
			return fmt.Errorf("%s: %w", r.files[i].Name, t.err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.errs = data.BadFilesError{Files: slices.Clone(unopened), Of: len(r.files)}
	for i, t := range r.tunes {
		if t.err != nil {
			r.errs.Files = append(r.errs.Files, data.BadFile{Name: r.files[i].Name, Err: fmt.Errorf("%s: %w; put a good MIDI file in its place or delete it", r.files[i].Name, t.err)})
		}
	}
	if len(r.errs.Files) > 0 && !opt.SkipBad {
		return &r.errs
	}
	if err := r.choose(ctx, opt); err != nil {
		return err
	}
	return r.cut()
}

// open reads file i.
func (r *reading) open(i int) error {
	rd, err := r.files[i].Open()
	if err != nil {
		return err
	}
	defer rd.Close()
	b, err := memory.ReadFull(rd, maxFile+1, "a MIDI file")
	switch {
	case err == nil:
		return fmt.Errorf("it has more than %d bytes", maxFile)
	case !errors.Is(err, io.ErrUnexpectedEOF):
		return err
	}
	t := &r.tunes[i]
	r.sums[i] = sha256.Sum256(b)
	if t.file, err = midi.Decode(b); err != nil {
		return err
	}
	if t.file.Division.Frames != 0 {
		return errFrames
	}
	notes, _ := t.file.Notes()
	for _, n := range notes {
		switch {
		case tonal(n):
			t.counts.tonal++
		case drum(n):
			t.counts.drums++
		default:
			t.counts.others++
		}
	}
	return nil
}
