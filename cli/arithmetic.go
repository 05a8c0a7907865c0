package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/viz"
)

// A sumTerm is one term of a sum of codes: images that meet conditions, the items of a file, or a text.
type sumTerm struct {
	sign  float64
	text  string // as the user gave it
	given bool   // a file, or a text that is written out
	pool  []int  // indices of the training images that meet the conditions
}

// A termFlag is the value of --plus or --minus. Both append to one list, so the terms keep the order of the command
// line.
type termFlag struct {
	list *[]sumTerm
	sign float64
}

// String returns "", the default.
func (t termFlag) String() string { return "" }

// Type returns the name by which flagError finds the text for a wrong value.
func (t termFlag) Type() string { return "terms" }

// Set appends a term.
func (t termFlag) Set(text string) error {
	if strings.TrimSpace(text) == "" {
		return fmt.Errorf("an empty term")
	}
	*t.list = append(*t.list, sumTerm{sign: t.sign, text: text})
	return nil
}

var _ pflag.Value = termFlag{}

const (
	negationPrefix = "not-"  // precedes a condition that must not hold
	textPrefix     = "text:" // precedes a text
)

// arithmetic returns the command arithmetic: it adds and subtracts mean codes of images.
func (a *app) arithmetic() *cobra.Command {
	var (
		from    modelSource
		set     setFlags
		list    []sumTerm
		rows    int
		sample  int
		seed    uint64
		encoded int
		invert  bool
		out     string
	)
	c := &cobra.Command{
		Use:   "arithmetic <run> --plus <term> --minus <term> --plus <term>",
		Short: "Add and subtract codes: man with glasses - man + woman",
		Long: `arithmetic adds and subtracts codes and decodes the result. A term is the mean code of the training images that meet
all of its conditions, or the code of a picture file. Conditions are attributes or classes of the set, with commas
between; the prefix not- negates one. Of a model of texts a term may be a text itself, after the prefix text:.

Each row is one sum: its terms, decoded, and then the result. In the first row a term is the mean of all images that
meet its conditions, in the other rows of a few images drawn at random.`,
		Example: `  imago arithmetic face-vae-celeba-001 --plus Male,Eyeglasses --minus Male,not-Eyeglasses --plus not-Male,not-Eyeglasses
  imago arithmetic face-vae-celeba-001 --plus me.jpg --minus not-Smiling --plus Smiling
  imago arithmetic sentences --plus "text:the dog saw a ball" --minus not-question --plus question`,
		Args: argCount(0, 1, "a run"),
	}
	f := c.Flags()
	f.Var(termFlag{&list, 1}, "plus", "a `term` to add; may be repeated")
	f.Var(termFlag{&list, -1}, "minus", "a `term` to subtract; may be repeated")
	f.IntVar(&rows, "rows", 5, "`number` of sums")
	f.IntVar(&sample, "some", 25, "`images` of a term in each row after the first")
	seedFlag(c, &seed, "the choice of images")
	invertFlag(c, &invert)
	encodedFlag(c, &encoded)
	outFlag(c, &out, "arithmetic.png")
	set.addFlags(c)
	hideFlag(c, "split")
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := cmp.Or(atLeast("rows", rows, 1), atLeast("some", sample, 1), atLeast("encoded", encoded, 0), checkPNGName(out), set.check()); err != nil {
			return usage(c, err)
		}
		if len(list) < 2 {
			return usagef(c, "%s: want two or more, as --plus Smiling --minus not-Smiling", english.Plural(len(list), "term"))
		}
		m, err := a.open(c, args, &from)
		if err != nil {
			return err
		}
		defer m.Close()
		s := &arithmeticRows{m: m, terms: list, invert: invert, key: rng.New(seed).Split("arithmetic")}
		title := m.title
		if err := s.findGiven(); err != nil {
			return err
		}
		if s.needSet {
			known, err := a.trainingItems(c, m, &set, encoded)
			if err != nil {
				return err
			}
			if err := s.findImages(known.set, known.split); err != nil {
				return usage(c, err)
			}
			if err := known.encode(c.Context(), a, m); err != nil {
				return err
			}
			s.codes = known.mean
			if s.labels, err = m.labelsOf(known.set.Labelled(known.split)); err != nil {
				return err
			}
			title = m.titleOf(known.set, &set)
		} else {
			rows = 1
		}
		if err := s.encodeGiven(c.Context(), a); err != nil {
			return err
		}
		pix, err := s.decodeRows(c.Context(), rows, sample)
		if err != nil {
			return err
		}
		var cols, names []string
		for k, t := range list {
			sign := "+ "
			if t.sign < 0 {
				sign = "− "
			} else if k == 0 {
				sign = ""
			}
			cols = append(cols, sign+strings.ReplaceAll(strings.ReplaceAll(filepath.Base(t.text), ",", ", "), negationPrefix, "not "))
		}
		if s.needSet {
			names = append([]string{"all"}, slices.Repeat([]string{fmt.Sprintf("%d of each", sample)}, rows-1)...)
		}
		key := ""
		if s.needSet {
			key = fmt.Sprintf("each term is the mean code of training %ss that are so: of all in the first row, of %d drawn at random in the others", m.noun(), sample)
		}
		img := m.Item()
		picture, err := viz.Sheet(img, pix, rows, len(list)+1, viz.SheetOptions{
			Title: title + ": sums of codes, decoded", Rows: names, Cols: append(cols, "="), Tail: 1, Scale: tileScale(img, 192),
			Note: m.note(key),
		})
		if err != nil {
			return err
		}
		if err := a.writePNG(out, picture, "%s of %s by %s", english.Plural(rows, "sum"), english.Plural(len(list), "term"), m.name); err != nil {
			return err
		}
		var titles []string
		for r := range rows {
			for _, col := range append(cols, "=") {
				titles = append(titles, fmt.Sprintf("sum %d: %s", r+1, col))
			}
		}
		if err := a.writeBeside(out, img, pix, titles); err != nil {
			return err
		}
		a.printTexts(img, len(list)+1, pix)
		return nil
	}
	return c
}

// arithmeticRows are the terms of the sums with the codes of their images: training images first, then files and texts.
type arithmeticRows struct {
	m       *trainedModel
	terms   []sumTerm
	invert  bool
	key     rng.Key
	needSet bool
	codes   []float32 // (N, Z)
	labels  []float32 // (N, K) of a conditional model
}

// findGiven marks the terms that are texts, and those that are files: that exist, or have the suffix of an image file.
func (s *arithmeticRows) findGiven() error {
	for k := range s.terms {
		t := &s.terms[k]
		if strings.HasPrefix(t.text, textPrefix) {
			if _, ok := s.m.Item().Medium.(medium.Texter); !ok {
				return fmt.Errorf("%s: terms of texts are for models of texts, and %s makes %s", t.text, s.m.recipe, english.Plural(2, s.m.noun()))
			}
			t.given = true
			continue
		}
		_, err := os.Stat(t.text)
		t.given = err == nil || slices.Contains([]string{".png", ".jpg", ".jpeg"}, strings.ToLower(filepath.Ext(t.text)))
		if t.given && err != nil {
			return err
		}
		s.needSet = s.needSet || !t.given
	}
	if s.needSet || s.m.DecodeLabels() == 0 {
		return nil
	}
	return fmt.Errorf("arithmetic: %s is conditional, and files and texts have no labels: want terms of its set", s.m.recipe)
}

// findImages fills the pool of each term with the images of split that meet its conditions.
func (s *arithmeticRows) findImages(set *data.Set, split data.Split) error {
	for k := range s.terms {
		t := &s.terms[k]
		if t.given {
			continue
		}
		meets := slices.Repeat([]bool{true}, split.Len())
		for name := range strings.SplitSeq(t.text, ",") {
			name, not := strings.CutPrefix(strings.TrimSpace(name), negationPrefix)
			attr, err := attributeOf(set, name)
			if err != nil {
				return err
			}
			with, err := attr.Mask(split)
			if err != nil {
				return err
			}
			for i, w := range with {
				meets[i] = meets[i] && w != not
			}
		}
		for i, ok := range meets {
			if ok {
				t.pool = append(t.pool, i)
			}
		}
		if len(t.pool) == 0 {
			return fmt.Errorf("no training image of %s is %s", set.Name, t.text)
		}
	}
	return nil
}

// encodeGiven appends the codes of the terms that are files or texts.
func (s *arithmeticRows) encodeGiven(ctx context.Context, a *app) error {
	for k := range s.terms {
		t := &s.terms[k]
		if !t.given {
			continue
		}
		images, err := s.read(t.text)
		if err != nil {
			return err
		}
		z, err := a.imageCodes(ctx, s.m, images)
		if err != nil {
			return err
		}
		for range images.Len() {
			t.pool = append(t.pool, len(s.codes)/s.m.Latent())
			s.codes = append(s.codes, z[:s.m.Latent()]...)
			z = z[s.m.Latent():]
		}
	}
	return nil
}

// read returns the items of a file, or a text after its prefix.
func (s *arithmeticRows) read(term string) (data.Items, error) {
	item := s.m.Item()
	written, ok := strings.CutPrefix(term, textPrefix)
	if !ok {
		images, _, err := readItems([]string{term}, item, s.invert)
		return images, err
	}
	values, err := item.Medium.Decode(item, []byte(written))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", term, err)
	}
	return data.FromFloats(values, item)
}

// decodeRows returns the images of so many sums: the terms of each, and its result. In the first sum a term is the
// mean of its pool, in the others the mean of sample images of it.
func (s *arithmeticRows) decodeRows(ctx context.Context, rows, sample int) ([]float32, error) {
	var z, labels []float32
	for r := range rows {
		chosen := make([][]int, len(s.terms))
		for k, t := range s.terms {
			chosen[k] = t.pool
			if r > 0 && sample < len(t.pool) {
				chosen[k] = nil
				for _, i := range s.key.At(uint64(r)).At(uint64(k)).Perm(len(t.pool))[:sample] {
					chosen[k] = append(chosen[k], t.pool[i])
				}
			}
		}
		row, err := s.meansAndSum(s.codes, s.m.Latent(), chosen)
		if err != nil {
			return nil, err
		}
		z = append(z, row...)
		if s.labels != nil {
			row, err := s.meansAndSum(s.labels, s.m.DecodeLabels(), chosen)
			if err != nil {
				return nil, err
			}
			labels = append(labels, row...)
		}
	}
	return s.m.DecodeAs(ctx, z, labels)
}

// meansAndSum returns the mean of the chosen rows of codes for each term, and then the signed sum of the means.
func (s *arithmeticRows) meansAndSum(codes []float32, units int, chosen [][]int) ([]float32, error) {
	var row []float32
	var signs []float64
	for k, index := range chosen {
		mean, err := latent.MeanCode(codes, units, index)
		if err != nil {
			return nil, err
		}
		row, signs = append(row, mean...), append(signs, s.terms[k].sign)
	}
	result, err := latent.SignedSum(row, units, signs)
	return append(row, result...), err
}
