package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/english"
)

// addSeedFlags declares --seeds and --truncation, for a command that can start from codes drawn from the prior.
func (p *inputFlags) addSeedFlags(c *cobra.Command) {
	p.takesSeeds = true
	c.Flags().UintSliceVar(&p.seeds, "seeds", nil, "start from codes drawn from the prior with these `seeds`, as 3,7,11, in place of images")
	p.truncation.addFlag(c)
}

// drawsCodes reports whether a command starts from codes drawn from the prior: --seeds is given, or no image is named
// and the model has no encoder.
func (p *inputFlags) drawsCodes(m *trainedModel, files []string) bool {
	encodes := m.Model().Encode != nil
	return p.seeds != nil || p.takesSeeds && !encodes && len(files) == 0 && p.index == nil && p.set.data == ""
}

// drawImages returns the images decoded from a code of each seed: those of --seeds, or 0 to n−1.
func (p *inputFlags) drawImages(c *cobra.Command, m *trainedModel, n int) (*inputImages, error) {
	if !m.StandardPrior() {
		return nil, usagef(c, "--seeds: codes of %s are not drawn from N(0, I): name images to start from", m.recipe)
	}
	seeds := p.seeds
	for i := len(seeds); p.seeds == nil && i < n; i++ {
		seeds = append(seeds, uint(i))
	}
	out := &inputImages{title: m.title}
	for _, seed := range seeds {
		out.z = append(out.z, p.truncation.codes(latent.SampleKey(uint64(seed)), 1, m.Latent())...)
		out.names = append(out.names, fmt.Sprintf("seed %d", seed))
	}
	labels, err := m.labelRows(p.as, m.DecodeLabels(), len(seeds))
	if err != nil {
		return nil, usage(c, err)
	}
	made, err := m.DecodeAs(c.Context(), out.z, labels)
	if err != nil {
		return nil, err
	}
	img := m.Item()
	if out.images, err = data.FromFloats(made, img); err != nil {
		return nil, err
	}
	if labels != nil {
		out.images = &sameLabels{out.images, m.labelNames(m.DecodeLabels()), labels[:m.DecodeLabels()]}
	}
	return out, nil
}

// imageCodes returns the codes of images, (N, Z): the means of q(z|x), or the result of inversion if the model has no
// encoder.
func (a *app) imageCodes(ctx context.Context, m *trainedModel, images data.Items) ([]float32, error) {
	encodes := m.Model().Encode != nil
	if decodes := m.Model().Decode != nil; encodes || !decodes {
		mean, _, err := m.EncodeMeans(ctx, images)
		return mean, err
	}
	z, _, err := a.invertImages(ctx, m, images, latent.DefaultInversion())
	return z, err
}

// invertImages returns the result of latent.Invert, and shows its progress.
func (a *app) invertImages(ctx context.Context, m *trainedModel, images data.Items, o latent.Inversion) (z, pictures []float32, err error) {
	fmt.Fprintf(a.err, "finding the codes of %s by %s of descent from %s each\n", english.Plural(images.Len(), "image"), english.Plural(o.Steps, "step"), english.Plural(o.Starts, "start"))
	p := newProgress(a.err)
	defer p.end()
	o.Progress = func(done, total int) { p.set("finding codes", done, total, "step") }
	return m.Invert(ctx, images, o)
}
