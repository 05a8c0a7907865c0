// Package pianoroll is the medium of piano-rolls, and reads files of them.
//
// A piece is a sequence of steps of equal length. An item has shape (T, 89): for each step 88
// numbers, 1 for each key of a piano that is down and 0 for the others, from MIDI note 21 to
// 108, and after them the mask. The mask is 1 in the steps of the piece and 0 in those that fill
// up the item after its end, in which no key is down: pieces have different lengths, and a
// published likelihood counts the steps of the pieces alone. A piece of more than MaxSteps steps
// is divided into items, and a note says so.
//
// Open reads the JSON files of the sets of Boulanger-Lewandowski et al. 2012 (JSB chorales,
// Nottingham, Piano-midi.de, MuseData), also compressed by gzip:
//
//	{"train": [piece, …], "valid": [piece, …], "test": [piece, …]}
//
// where a piece is a list of steps and a step the list of the MIDI notes that sound. The part
// valid is the validation part if one is asked for, and is left out otherwise.
//
// The package must not know any model.
package pianoroll

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/formats/midi"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/memory"
)

// The parts of a file.
const (
	train = "train"
	valid = "valid"
	test  = "test"
)

// A Piece is the MIDI notes that sound in each step.
type Piece [][]int

// Opener returns the opener of JSON files of piano-rolls.
func Opener() data.Opener { return data.Opener{Name: "piano-rolls", Match: match, Open: Open} }

// gzipMagic begins a file compressed by gzip.
var gzipMagic = []byte{0x1f, 0x8b}

// match reports whether a file begins with an object whose first name is that of a part.
func match(path string, info fs.FileInfo, head []byte) bool {
	if info.IsDir() {
		return false
	}
	if bytes.HasPrefix(head, gzipMagic) {
		f, err := os.Open(path)
		if err != nil {
			return false
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			return false
		}
		head = make([]byte, 64)
		n, _ := io.ReadFull(z, head)
		head = head[:n]
	}
	d := json.NewDecoder(bytes.NewReader(head))
	open, err := d.Token()
	if err != nil || open != json.Delim('{') {
		return false
	}
	name, err := d.Token()
	part, isText := name.(string)
	return err == nil && isText && slices.Contains([]string{train, valid, test}, part)
}

// maxBytes bounds a file, decompressed.
const maxBytes = 1 << 30

// Open reads the pieces of a file.
func Open(ctx context.Context, path string, opt data.Options) (*data.Set, error) {
	if err := opt.Validate(); err != nil {
		return nil, err
	}
	b, err := read(path)
	if err != nil {
		return nil, err
	}
	parts, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("pianoroll: %s: %w", path, err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	set := &data.Set{Name: path}
	if err := fill(set, parts, opt); err != nil {
		return nil, fmt.Errorf("pianoroll: %s: %w", path, err)
	}
	return set, nil
}

// read returns the bytes of a file, decompressed.
func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("pianoroll: %w", err)
	}
	defer f.Close()
	var r io.Reader = f
	head := make([]byte, len(gzipMagic))
	if _, err := io.ReadFull(f, head); err == nil && bytes.Equal(head, gzipMagic) {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return nil, fmt.Errorf("pianoroll: %w", err)
		}
		if r, err = gzip.NewReader(f); err != nil {
			return nil, fmt.Errorf("pianoroll: %s: %w", path, err)
		}
	} else {
		r = io.MultiReader(bytes.NewReader(head), f)
	}
	b, err := memory.ReadFull(r, maxBytes, "the piano-rolls of %s", path)
	switch {
	case err == nil:
		return nil, fmt.Errorf("pianoroll: %s: more than %s: divide it", path, memory.Bytes(maxBytes))
	case !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF):
		return nil, fmt.Errorf("pianoroll: %s: %w", path, err)
	}
	return b, nil
}

// slotBytes bounds the memory of a parsed file: a list of three bytes, "[],", has a header of
// three words.
const slotBytes = 16

// parse returns the pieces of each part. The error says where a fault is.
func parse(b []byte) (map[string][]Piece, error) {
	if err := memory.Check(slotBytes*int64(len(b)), "its %s of piano-rolls", memory.Bytes(int64(len(b)))); err != nil {
		return nil, err
	}
	var parts map[string][]Piece
	if err := json.Unmarshal(b, &parts); err != nil {
		return nil, fmt.Errorf("want {\"train\": [piece, …], \"test\": …}, a piece a list of steps, a step a list of MIDI notes: %w", err)
	}
	for part, pieces := range parts {
		if !slices.Contains([]string{train, valid, test}, part) {
			return nil, fmt.Errorf("a part %q: want train, valid or test", part)
		}
		for i, p := range pieces {
			if len(p) == 0 {
				return nil, fmt.Errorf("%s: piece %d has no steps", part, i+1)
			}
			for s, notes := range p {
				for _, n := range notes {
					if n < Lowest || n > Highest {
						return nil, fmt.Errorf("%s: piece %d: step %d: note %d: want the keys of a piano, %d to %d", part, i+1, s+1, n, Lowest, Highest)
					}
				}
			}
		}
	}
	if len(parts[train]) == 0 {
		return nil, errors.New("no piece in the part train")
	}
	return parts, nil
}

// fill puts the pieces into the parts of set.
func fill(set *data.Set, parts map[string][]Piece, opt data.Options) error {
	longest := 0
	for _, pieces := range parts {
		for _, p := range pieces {
			longest = max(longest, len(p))
		}
	}
	m, ok := opt.Medium.(Medium)
	if !ok {
		m = Medium{Steps: min(longest, MaxSteps), Quarter: 1, Tempo: midi.DefaultTempo}
	}
	pieces, steps := len(parts[train]), 0
	for _, p := range parts[train] {
		steps += len(p)
	}
	set.Tell("%s of %s in the training part, in items of %d steps: those after the end of a piece do not count", english.Plural(pieces, "piece"), english.Plural(steps, "step"), m.Steps)
	if opt.Whole {
		parts[train], parts[valid], parts[test] = slices.Concat(parts[train], parts[valid], parts[test]), nil, nil
	}
	if n := len(parts[valid]); n > 0 && opt.Validation == 0 {
		set.Tell("left out: the validation part of the file, %s; {Validation} 0.1 takes it, whatever the number", english.Plural(n, "piece"))
		parts[valid] = nil
	}
	if len(parts[test]) == 0 && !opt.Whole {
		all := parts[train]
		in, out := data.HoldOut(len(all), opt, func(i int) string { return "piece/" + strconv.Itoa(i) })
		parts[train] = pick(all, in)
		parts[test] = pick(all, out)
	}
	return lay(set, parts, m)
}

// NewSet returns the set of those pieces, made by a program, as items of medium m.
func NewSet(name string, m Medium, inTrain, inTest []Piece) (*data.Set, error) {
	set := &data.Set{Name: name}
	if err := lay(set, map[string][]Piece{train: inTrain, test: inTest}, m); err != nil {
		return nil, fmt.Errorf("pianoroll: %s: %w", name, err)
	}
	return set, nil
}

// lay gives set the items of the pieces of each part.
func lay(set *data.Set, parts map[string][]Piece, m Medium) error {
	id := sha256.New()
	fmt.Fprintf(id, "pianoroll %+v\n", m)
	divided, items := 0, 0
	for _, p := range []struct {
		name string
		to   *data.Split
	}{{train, &set.Train}, {valid, &set.Validation}, {test, &set.Test}} {
		var windows []Piece
		for _, p := range parts[p.name] {
			if len(p) > m.Steps {
				divided, items = divided+1, items+(len(p)+m.Steps-1)/m.Steps
			}
			windows = slices.AppendSeq(windows, slices.Chunk(p, m.Steps))
		}
		levels, err := rolls(windows, m)
		if err != nil {
			return err
		}
		fmt.Fprintf(id, "%s %d\n", p.name, len(windows))
		id.Write(levels)
		if p.to.Items, err = data.NewInMemory(levels, len(windows), m.item()); err != nil {
			return err
		}
	}
	if divided > 0 {
		set.Tell("%s of more than %d steps are divided into %s: figures of whole pieces are others", english.Plural(divided, "piece"), m.Steps, english.Plural(items, "item"))
	}
	set.Digest = fmt.Sprintf("%x", id.Sum(nil))
	return nil
}

// pick returns the pieces of those numbers.
func pick(all []Piece, index []int) []Piece {
	var out []Piece
	for _, i := range index {
		out = append(out, all[i])
	}
	return out
}

// rolls returns the levels of pieces, (N, T, 89).
func rolls(pieces []Piece, m Medium) ([]uint8, error) {
	size := m.item().Size()
	if err := memory.Check(int64(len(pieces))*int64(size), "the rolls of %s of %d steps", english.Plural(len(pieces), "piece"), m.Steps); err != nil {
		return nil, err
	}
	levels := make([]uint8, len(pieces)*size)
	for i, p := range pieces {
		for s, notes := range p {
			step := levels[i*size+s*(Keys+1):]
			for _, n := range notes {
				step[n-Lowest] = 255
			}
			step[Keys] = 255
		}
	}
	return levels, nil
}
