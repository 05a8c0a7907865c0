// Package sound is the medium of short recordings, and reads folders and zip files of them.
//
// An item is the log-mel spectrogram of a clip: M mel bands by T frames by one channel, in
// 256 levels of a range of decibels below full scale, so that every model of images trains on
// it. What a model makes is turned back into samples by the fast algorithm of Griffin and
// Lim. A clip is scaled to a peak of −1 dB, because recordings differ in their volume more
// than in what they are.
//
// Open reads every file that package formats/audio reads, of any rate and length: each is
// mixed to one channel, brought to the rate that most of them have, and cut or followed by
// silence to the length of an item. Parts and classes are those of package data/folder. Files
// that are named as those of the Free Spoken Digit Dataset, digit_speaker_index.wav, have
// their digit as class, and its test part, the indices 0 to 4. Notes say what was changed or
// left out.
//
// The package must not know any model. Register its Opener before that of data/folder, which
// takes every folder.
package sound

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/folder"
	"github.com/imago-ml/imago/formats/audio"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/option"
)

// wanted are the files that are recordings.
var wanted = data.Wanted{Is: audio.IsAudio, Known: audio.Known, Unread: audio.Unread, SaveAs: "WAV or FLAC"}

// Opener returns the opener of folders and zip files that hold more recordings than images.
func Opener() data.Opener {
	return data.Opener{Name: "sound", Match: data.MatchMost(audio.IsAudio), Open: Open}
}

// A reading reads the recordings of a set.
type reading struct {
	files  []data.ImageFile // those that are used
	medium Medium
	rates  []int   // of each recording; 0 if it cannot be read
	levels []uint8 // (N, M, T, 1)
	facts  []facts // of each
	bad    []bool  // those that cannot be read
	errs   data.BadFilesError
}

// facts are what is known of a recording once it is read.
type facts struct {
	sum           [32]byte // SHA-256 of the levels
	longer, short bool     // than an item
	silent        bool
}

// Open reads the recordings below path, a folder or a zip file. An error about a recording
// names it.
func Open(ctx context.Context, path string, opt data.Options) (*data.Set, error) {
	if err := opt.Validate(); err != nil {
		return nil, err
	}
	files, err := data.List(path, wanted)
	if err != nil {
		return nil, fmt.Errorf("sound: %w", err)
	}
	defer files.Close()
	if len(files.Files) == 0 {
		return nil, noRecordings(path, files)
	}
	l := folder.Arrange(files.Files, "recording", opt)
	used := slices.Sorted(slices.Values(slices.Concat(l.Train, l.Test)))
	r := &reading{}
	for _, i := range used {
		r.files = append(r.files, files.Files[i])
	}
	if err := r.read(ctx, opt, files.Bad); err != nil {
		return nil, fmt.Errorf("sound: %s: %w", path, err)
	}
	place := func(i int) int { at, _ := slices.BinarySearch(used, i); return at }
	l.Keep(func(i int) bool {
		at, found := slices.BinarySearch(used, i)
		return !found || !r.bad[at]
	})
	set := &data.Set{Name: path}
	byName := digits(&l, opt)
	if len(l.Train) == 0 {
		return nil, fmt.Errorf("sound: %s: no recording of the training part can be read", path)
	}
	l.Note(set, files, r.notes(), func(i int) [32]byte { return r.facts[place(i)].sum })
	if byName {
		set.Tell("named as the Free Spoken Digit Dataset: the digit of a name is its class%s", testPart(opt))
	}
	return set, r.fill(set, &l, place)
}

// noRecordings returns the error for a folder or zip without a recording that is read.
func noRecordings(path string, files *data.Listing) error {
	if len(files.Bad) > 0 {
		return fmt.Errorf("sound: %s: %w", path, files.Bad[0].Err)
	}
	but := ""
	if left, _ := files.LeftOutText(); left != "" {
		but = ", but " + left
	}
	return fmt.Errorf("sound: %s: no recording in it that is read%s; want %s files, which %s write", path, but, wanted.SaveAs, audio.Converters)
}

// fill puts the recordings, their labels and their names into the parts of set.
func (r *reading) fill(set *data.Set, l *folder.Layout, place func(i int) int) error {
	set.Classes = l.Classes
	all, err := data.NewInMemory(r.levels, len(r.files), r.medium.item())
	if err != nil {
		return fmt.Errorf("sound: %w", err)
	}
	id := sha256.New()
	fmt.Fprintf(id, "sound %+v\n", r.medium)
	for _, p := range []struct {
		name  string
		split *data.Split
		index []int // of files
	}{{"train", &set.Train, l.Train}, {"test", &set.Test, l.Test}} {
		at := make([]int, len(p.index))
		for j, i := range p.index {
			at[j] = place(i)
			fmt.Fprintf(id, "%s %q %x\n", p.name, l.Names[i], r.facts[at[j]].sum)
			if l.Labels != nil {
				p.split.Labels = append(p.split.Labels, l.Labels[i])
				fmt.Fprintln(id, l.Classes[l.Labels[i]])
			}
			p.split.Origins.Files = append(p.split.Origins.Files, strings.ToValidUTF8(r.files[at[j]].Name, "\ufffd"))
		}
		p.split.Origins.Alone = true
		if p.split.Items, err = data.Subset(all, at); err != nil {
			return fmt.Errorf("sound: %w", err)
		}
	}
	set.Digest = fmt.Sprintf("%x", id.Sum(nil))
	return nil
}

// read reads all recordings at the rate and length that opt asks for, or that suit them.
func (r *reading) read(ctx context.Context, opt data.Options, unopened []data.BadFile) error {
	n := len(r.files)
	r.rates, r.facts, r.bad = make([]int, n), make([]facts, n), make([]bool, n)
	errs := make([]error, n)
	err := data.Parallel(ctx, n, func(i int) error {
		errs[i] = r.open(i, func(f data.ImageFile) (err error) {
			rd, err := f.Open()
			if err != nil {
				return err
			}
			defer rd.Close()
			r.rates[i], err = audio.Rate(rd)
			return err
		})
		return ofMachine(errs[i])
	})
	if err != nil {
		return err
	}
	if r.medium, err = r.choose(opt); err != nil {
		return err
	}
	item := r.medium.item()
	if err := item.Check(); err != nil {
		return err
	}
	if !data.FitsInMemory(n, item) {
		return option.Errorf("%s of %v do not fit into memory: read fewer, or shorter ones with {Seconds}", english.Plural(n, "clip"), item)
	}
	size := item.Size()
	r.levels = make([]uint8, n*size)
	err = data.Parallel(ctx, n, func(i int) error {
		if errs[i] == nil {
			errs[i] = r.open(i, func(f data.ImageFile) error { return r.clip(i, f, r.levels[i*size:(i+1)*size]) })
		}
		return ofMachine(errs[i])
	})
	if err != nil {
		return err
	}
	r.errs = data.BadFilesError{Files: slices.Clone(unopened), Of: n}
	for i, err := range errs {
		if r.bad[i] = err != nil; err != nil {
			r.errs.Files = append(r.errs.Files, data.BadFile{Name: r.files[i].Name, Err: err})
		}
	}
	if len(r.errs.Files) > 0 && !opt.SkipBad {
		return &r.errs
	}
	return nil
}

// ofMachine returns err if it says nothing of a recording.
func ofMachine(err error) error {
	if data.OfMachine(err) {
		return err
	}
	return nil
}

// open calls do for recording i, and returns its error with the name of the file and the
// remedy.
func (r *reading) open(i int, do func(f data.ImageFile) error) error {
	f := r.files[i]
	err := do(f)
	switch {
	case err == nil:
		return nil
	case data.OfMachine(err):
		return fmt.Errorf("%s: %w", f.Name, err)
	}
	return fmt.Errorf("%s: %w; put a good recording in its place or delete it", f.Name, err)
}

// clip reads recording i into dst.
func (r *reading) clip(i int, f data.ImageFile, dst []uint8) error {
	rd, err := f.Open()
	if err != nil {
		return err
	}
	defer rd.Close()
	c, err := audio.Decode(rd, r.medium.Seconds())
	if err != nil {
		return err
	}
	if len(c.Samples) == 0 {
		return errors.New("it has no samples")
	}
	copy(dst, r.medium.Levels(c))
	short := float64(len(c.Samples))/float64(c.Rate) < r.medium.Seconds()-1/float64(c.Rate)
	loud := slices.ContainsFunc(dst, func(v uint8) bool { return v > 0 })
	r.facts[i] = facts{sha256.Sum256(dst), c.More, short, !loud}
	return nil
}

// usualRate is the greatest rate that is chosen without being asked for: voices and drums are
// told apart by less than half of it.
const usualRate = 16_000

// choose returns the medium of the set: that of opt, or the rate that most recordings have,
// but no more than usualRate, and frames for the seconds that are asked for, else Frames.
func (r *reading) choose(opt data.Options) (Medium, error) {
	if like, ok := opt.Medium.(Medium); ok {
		return like, nil
	}
	rate := opt.Rate
	if rate == 0 {
		count := map[int]int{}
		for _, v := range r.rates {
			count[v]++
		}
		delete(count, 0)
		for v, n := range count {
			if best := count[rate]; n > best || n == best && v > rate {
				rate = v
			}
		}
		if rate = min(rate, usualRate); rate == 0 {
			rate = usualRate // no file can be read, which is the error
		}
	}
	frames := Frames
	m := Item(rate, Bands, frames).Medium.(Medium)
	if opt.Seconds > 0 { // whole multiples of 16, which convolutions of stride 2 divide
		frames = int(math.Ceil(opt.Seconds*float64(rate)/float64(m.Hop)/16)) * 16
	}
	if frames > maxFrames {
		return m, option.Errorf("{Seconds} %v: %d frames, want at most %d", opt.Seconds, frames, maxFrames)
	}
	return Item(rate, Bands, frames).Medium.(Medium), nil
}

// notes says what the clips are, and what was changed to make them.
func (r *reading) notes() []data.Note {
	var s data.Set // collects the notes
	m := r.medium
	var n, resampled, longer, short, silent int
	for i, f := range r.facts {
		if r.bad[i] {
			continue
		}
		n++
		if r.rates[i] != m.Rate {
			resampled++
		}
		longer, short, silent = longer+count(f.longer), short+count(f.short), silent+count(f.silent)
	}
	of := english.Plural(n, "recording")
	s.Tell("clips of %.2f s at %d samples a second, as spectrograms of %d mel bands in %d frames; each is scaled to the same peak", m.Seconds(), m.Rate, m.Bands, m.Frames)
	if resampled > 0 {
		s.Tell("%d of %s have another rate and are brought to %d samples a second; {Rate} chooses another", resampled, of, m.Rate)
	}
	if longer > 0 {
		s.Warn("%d of %s are longer than %.2f s, and are cut there; {Seconds} %g takes more", longer, of, m.Seconds(), math.Ceil(2*m.Seconds()))
	}
	if short > 0 {
		s.Tell("%d of %s are shorter than %.2f s, and silence follows them", short, of, m.Seconds())
	}
	if silent > 0 {
		s.Warn("%d of %s are silent", silent, of)
	}
	if k := len(r.errs.Files); k > 0 {
		s.Warn("left out: %s that cannot be read (%v)", english.Plural(k, "file"), r.errs.Files[0].Err)
	}
	return s.Notes
}

// count returns 1 for true.
func count(is bool) int {
	if is {
		return 1
	}
	return 0
}

// digitName matches the names of the Free Spoken Digit Dataset.
var digitName = regexp.MustCompile(`^([0-9])_[A-Za-z]+_([0-9]+)\.[a-z0-9]+$`)

// testIndices is how many recordings of each digit and speaker are the test part of the Free
// Spoken Digit Dataset: those of the first indices.
const testIndices = 5

// testPart says which recordings are the test part.
func testPart(opt data.Options) string {
	if opt.Whole || opt.TestFraction > 0 {
		return ""
	}
	return fmt.Sprintf(", and the indices 0 to %d are the test part", testIndices-1)
}

// digits labels the recordings and divides them by their names, if all are named as those of
// the Free Spoken Digit Dataset, and have no labels from folders. It reports whether they are.
func digits(l *folder.Layout, opt data.Options) bool {
	if l.Labels != nil || l.Parts {
		return false
	}
	labels := make([]int32, len(l.Names))
	var train, test []int
	seen := map[int32]bool{}
	for _, i := range slices.Sorted(slices.Values(slices.Concat(l.Train, l.Test))) {
		m := digitName.FindStringSubmatch(path.Base(l.Names[i]))
		if m == nil {
			return false
		}
		labels[i] = int32(m[1][0] - '0')
		seen[labels[i]] = true
		if index, err := strconv.Atoi(m[2]); err == nil && index < testIndices {
			test = append(test, i)
		} else {
			train = append(train, i)
		}
	}
	if len(seen) < 2 {
		return false
	}
	l.Labels, l.Classes = labels, nil
	for k := range 10 {
		l.Classes = append(l.Classes, strconv.Itoa(k))
	}
	if testPart(opt) != "" && len(train) > 0 && len(test) > 0 {
		l.Train, l.Test = train, test
	}
	return true
}
