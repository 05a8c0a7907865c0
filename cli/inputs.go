package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
)

// inputFlags are the flags that name the images a command starts from: image files after the run, images of a set, or
// images decoded from codes of the prior.
type inputFlags struct {
	set      setFlags
	index    []string // numbers or names
	n        int
	minCount int // of count
	invert   bool
	as       string

	takesSeeds bool       // the command also starts from codes drawn from the prior
	seeds      []uint     // of these codes
	truncation truncation // of these codes
}

// addFlags declares the flags except --seeds and --truncation. n is the default number of images, 0 for a command that
// needs no image.
func (p *inputFlags) addFlags(c *cobra.Command, n int) {
	f := c.Flags()
	p.minCount = min(n, 1)
	f.StringSliceVar(&p.index, "index", nil, "`images` of the set, by their numbers from 0 or their names in outputs, as 3,17 or part007.png or \"line 12\" (default the first)")
	if n > 0 {
		f.IntVarP(&p.n, "count", "n", n, "`number` of images of the set, without --index")
	}
	labelsFlag(c, &p.as, ", where they are not images of a set")
	invertFlag(c, &p.invert)
	p.set.addFlags(c)
}

// check returns the first error in the flags, given the image files of the command line.
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
	for _, w := range p.index {
		if i, err := strconv.Atoi(w); err == nil && i < 0 {
			return fmt.Errorf("--index %d: want 0 or more, or a name", i)
		}
	}
	if err := atLeast("count", p.n, p.minCount); err != nil {
		return err
	}
	return p.set.check()
}

// countNamed returns the number of images that the user names: files, indices or seeds.
func (p *inputFlags) countNamed(files []string) int {
	return max(len(files), len(p.index), len(p.seeds))
}

// runAndFiles splits the arguments of a command into a run, unless --weights names a model, and image files.
func runAndFiles(args []string, from *modelSource) (run, files []string) {
	if from.weights == "" && len(args) > 0 {
		return args[:1], args[1:]
	}
	return nil, args
}

// inputImages are the images that a command starts from.
type inputImages struct {
	images data.Items
	names  []string  // of each image, for a picture
	index  []int     // of each image in its split; nil unless they are images of a set
	title  string    // of a picture
	z      []float32 // the codes that the images were decoded from, (N, Z); nil if they were not
}

// openModelAndInputs returns the trained model and the input images that the arguments and the flags name. The caller
// closes the model.
func (a *app) openModelAndInputs(c *cobra.Command, args []string, from *modelSource, p *inputFlags, files []string) (*trainedModel, *inputImages, error) {
	m, err := a.open(c, args, from)
	if err != nil {
		return nil, nil, err
	}
	images, err := a.openInputs(c, m, p, files)
	if err != nil {
		m.Close()
		return nil, nil, err
	}
	return m, images, nil
}

// openInputs returns the input images that the flags name: decoded from drawn codes, from files, or of a set.
func (a *app) openInputs(c *cobra.Command, m *trainedModel, p *inputFlags, files []string) (*inputImages, error) {
	switch {
	case p.drawsCodes(m, files):
		return p.drawImages(c, m, p.n)
	case p.truncation.isSet():
		return nil, usagef(c, "--truncation %v is for codes that are drawn, and these are codes of images: draw codes with --seeds", p.truncation.limit)
	case len(files) > 0:
		return readInputs(m, p, files)
	}
	set, _, err := a.openSplit(c, m, &p.set)
	if err != nil {
		return nil, err
	}
	return p.selectImages(m, set)
}

// readInputs returns the images of files, with the labels of --as if the model is conditional.
func readInputs(m *trainedModel, p *inputFlags, files []string) (*inputImages, error) {
	images, names, err := readItems(files, m.Item(), p.invert)
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
	for _, name := range names {
		out.names = append(out.names, filepath.Base(name))
	}
	return out, nil
}

// sameLabels are images that all have the same labels.
type sameLabels struct {
	data.Items
	names  []string
	labels []float32 // (K)
}

// LabelNames returns the names of the labels.
func (s *sameLabels) LabelNames() []string { return s.names }

// LabelsAt writes the labels, which are the same for every image.
func (s *sameLabels) LabelsAt(_ int, dst []float32) { copy(dst, s.labels) }

// selectImages returns the images of set that --index names, or the first --count.
func (p *inputFlags) selectImages(m *trainedModel, set *data.Set) (*inputImages, error) {
	split := p.set.selectSplit(set)
	if split.Len() == 0 {
		return nil, fmt.Errorf("%s has no %s: choose the other part with --split", set.Name, p.set.items(m, 0))
	}
	index, err := findItems(set, split, p.index, p.set.items(m, split.Len()))
	if err != nil {
		return nil, err
	}
	if index == nil {
		for i := range min(p.n, split.Len()) {
			index = append(index, i)
		}
	}
	return p.images(m, set, split, index)
}

// images returns the images of those numbers in a split.
func (p *inputFlags) images(m *trainedModel, set *data.Set, split data.Split, index []int) (*inputImages, error) {
	images, err := data.Subset(set.Labelled(split), index)
	if err != nil {
		return nil, err
	}
	out := &inputImages{images: images, index: index, title: m.titleOf(set, &p.set)}
	for _, i := range index {
		name := nameOf(split, i)
		if o := split.Origin(i); o.Alone {
			name = filepath.Base(name)
		} else if p.set.data == "" && o.File == "" && o.Line == 0 {
			name = fmt.Sprintf("%s %d", p.set.part(), i)
		}
		out.names = append(out.names, name)
	}
	return out, nil
}

// pixels returns the values of the images, (N, H, W, C) in [0, 1].
func (p *inputImages) pixels(ctx context.Context) ([]float32, error) {
	return data.AllFloats(ctx, p.images)
}

// inputCodes returns the codes of the input images, (N, Z): those that they were decoded from, or else their encodings.
func (a *app) inputCodes(ctx context.Context, m *trainedModel, p *inputImages) ([]float32, error) {
	if p.z != nil {
		return p.z, nil
	}
	return a.imageCodes(ctx, m, p.images)
}

// A sheetBuffer collects the images of a sheet of pictures, row by row.
type sheetBuffer struct {
	img medium.Item
	pix []float32
}

// add appends the n images of pix that begin at image number at.
func (s *sheetBuffer) add(pix []float32, at, n int) {
	size := s.img.Size()
	s.pix = append(s.pix, pix[at*size:(at+n)*size]...)
}

// interleave returns each input image followed by the k images that made has for it: made (N·k, H, W, C) →
// (N·(k+1), H, W, C).
func (p *inputImages) interleave(ctx context.Context, img medium.Item, made []float32, k int) ([]float32, error) {
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

// encodeSplit returns the latent means of the items of a part of a set, (N, Z), and prints a line of progress first; what
// counts the items.
func (a *app) encodeSplit(ctx context.Context, m *trainedModel, set *data.Set, split data.Split, what string) ([]float32, error) {
	if m.Model().Encode != nil { // else nothing is encoded, and the error says why
		fmt.Fprintf(a.err, "encoding %s of %s\n", what, set.Name)
	}
	mean, _, err := m.EncodeMeans(ctx, set.Labelled(split))
	return mean, err
}
