package cli

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/models/model"
)

// A inputFlags is the flags that say which images a command starts from: files named after the run, or images of a set.
type inputFlags struct {
	set      setFlags
	index    []int
	n        int
	minCount int // of n
	invert   bool
	as       string

	takesSeeds bool       // codes may be drawn in place of images
	seeds      []uint     // of these
	truncation truncation // of theirs
}

// addFlags adds them; n is the number of images unless told otherwise, 0 of a command that takes none by itself.
func (p *inputFlags) addFlags(c *cobra.Command, n int) {
	f := c.Flags()
	p.minCount = min(n, 1)
	f.IntSliceVar(&p.index, "index", nil, "numbers of the `images` of the set, from 0, as 3,17,40 (default the first)")
	if n > 0 {
		f.IntVarP(&p.n, "count", "n", n, "`number` of images of the set, without --index")
	}
	f.StringVar(&p.as, "as", "", "`class` or attributes, with commas between, that a conditional model is told where there is no image of a set")
	f.BoolVar(&p.invert, "invert", false, "turn black to white in the images named: MNIST is white on black, paper is not")
	p.set.addFlags(c)
}

func (p *inputFlags) check(files []string) error {
	if len(files) > 0 && p.index != nil {
		return fmt.Errorf("both the file %s and --index: want one of them", files[0])
	}
	if (len(files) > 0 || p.index != nil) && p.seeds != nil {
		return fmt.Errorf("both images and --seeds: want one of them")
	}
	if err := p.truncation.check(); err != nil {
		return err
	}
	for _, i := range p.index {
		if i < 0 {
			return fmt.Errorf("--index %d: want 0 or more", i)
		}
	}
	if err := atLeast("count", p.n, p.minCount); err != nil {
		return err
	}
	return p.set.check()
}

// countNamed returns the number of images that the user names, in one way or another.
func (p *inputFlags) countNamed(files []string) int {
	return max(len(files), len(p.index), len(p.seeds))
}

// runAndFiles parts the arguments of a command: a run, unless --weights names it, and files.
func runAndFiles(args []string, from *modelSource) (run, files []string) {
	if from.weights == "" && len(args) > 0 {
		return args[:1], args[1:]
	}
	return nil, args
}

// inputImages are the images a command starts from.
type inputImages struct {
	images data.Items
	names  []string  // of each, for a picture
	index  []int     // of each in its split; nil if they are files
	title  string    // of a picture
	z      []float32 // their codes, (N, Z), if they are made of these
}

// openInputs reads the files, or draws codes, or else opens the set and takes images of it.
func (a *app) openInputs(c *cobra.Command, m *trainedModel, p *inputFlags, files []string) (*inputImages, error) {
	switch {
	case p.drawsCodes(m, files):
		return p.drawImages(c, m, p.n)
	case p.truncation.isSet():
		return nil, usagef(c, "--truncation %v is for codes that are drawn, and these are of images: draw some with --seeds", p.truncation.limit)
	case len(files) > 0:
		return readInputs(m, p, files)
	}
	set, _, err := a.openSplit(c, m, &p.set)
	if err != nil {
		return nil, err
	}
	return p.selectImages(m, set)
}

func readInputs(m *trainedModel, p *inputFlags, files []string) (*inputImages, error) {
	images, err := readImages(files, m.Image(), p.invert)
	if err != nil {
		return nil, err
	}
	if k := m.DecodeLabels(); k > 0 || p.as != "" {
		labels, err := m.labelRows(p.as, k, 1)
		if err != nil {
			return nil, err
		}
		images = &sameLabels{images, m.labelNames(k), labels}
	}
	out := &inputImages{images: images, title: m.title}
	for _, name := range files {
		out.names = append(out.names, filepath.Base(name))
	}
	return out, nil
}

// sameLabels is images that all have the labels which the user says.
type sameLabels struct {
	data.Items
	names  []string
	labels []float32 // (K)
}

// LabelNames returns those of the model.
func (s *sameLabels) LabelNames() []string { return s.names }

// LabelsAt is the same for every image.
func (s *sameLabels) LabelsAt(_ int, dst []float32) { copy(dst, s.labels) }

// selectImages takes images of the set: those of --index, or the first.
func (p *inputFlags) selectImages(m *trainedModel, set *data.Set) (*inputImages, error) {
	split := p.set.selectSplit(set)
	if split.Len() == 0 {
		return nil, fmt.Errorf("%s has no %s images: choose the other part with --split", set.Name, p.set.split)
	}
	index := p.index
	if index == nil {
		for i := range min(p.n, split.Len()) {
			index = append(index, i)
		}
	}
	for _, i := range index {
		if i >= split.Len() {
			return nil, fmt.Errorf("--index %d: %s has %s, numbered from 0", i, set.Name, plural(split.Len(), p.set.split+" image"))
		}
	}
	images, err := data.Subset(set.Labelled(split), index)
	if err != nil {
		return nil, err
	}
	out := &inputImages{images: images, index: index, title: m.titleOf(set, &p.set)}
	for _, i := range index {
		out.names = append(out.names, fmt.Sprintf("%s %d", p.set.split, i))
	}
	return out, nil
}

// pixels returns the images themselves, (N, H, W, C) in [0, 1].
func (p *inputImages) pixels(ctx context.Context) ([]float32, error) {
	return data.AllFloats(ctx, p.images)
}

// inputCodes returns the codes that the images are made of, or else theirs, (N, Z).
func (a *app) inputCodes(ctx context.Context, m *trainedModel, p *inputImages) ([]float32, error) {
	if p.z != nil {
		return p.z, nil
	}
	return a.imageCodes(ctx, m, p.images)
}

// A sheetBuffer collects the images of a sheet, row by row.
type sheetBuffer struct {
	img model.Image
	pix []float32
}

// add puts n images from number at on of pix at the end of the last row.
func (s *sheetBuffer) add(pix []float32, at, n int) {
	size := s.img.Size()
	s.pix = append(s.pix, pix[at*size:(at+n)*size]...)
}

// interleave returns each image followed by the k that made has for it: made (N·k, H, W, C) → (N·(k+1), H, W, C).
func (p *inputImages) interleave(ctx context.Context, img model.Image, made []float32, k int) ([]float32, error) {
	pix, err := p.pixels(ctx)
	if err != nil {
		return nil, err
	}
	sheet := sheetBuffer{img: img}
	for i := range p.images.Len() {
		sheet.add(pix, i, 1)
		sheet.add(made, i*k, k)
	}
	return sheet.pix, nil
}

// encodeSplit returns the codes of a part of a set, with a word before that.
func (a *app) encodeSplit(ctx context.Context, m *trainedModel, set *data.Set, split data.Split, part string) ([]float32, error) {
	fmt.Fprintf(a.err, "encoding %s of %s\n", plural(split.Len(), part+" image"), set.Name)
	mean, _, err := m.EncodeMeans(ctx, set.Labelled(split))
	return mean, err
}
