package cli

import (
	"cmp"
	"fmt"
	"image"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/viz"
)

// maxWalk is the largest number of images of a walk.
const maxWalk = 5000

// walk returns the command walk: it writes an animation along a closed path through latent space.
func (a *app) walk() *cobra.Command {
	var (
		from  modelSource
		pick  inputFlags
		stops int
		leg   int
		delay time.Duration
		side  int
		path  string
		seed  uint64
		out   string
	)
	c := &cobra.Command{
		Use:   "walk <run> [<image>...]",
		Short: "Write an animation of a walk through latent space",
		Long: `walk decodes codes on a path from one stop to the next and back to the first, and writes the images as a GIF. The
stops are codes drawn from the prior, or one code for each of --seeds, or codes of images: picture files, cropped
and resized to fit the model, or images of the set that --index names. If the prior of the model is not N(0, I), the
stops are the codes of the first images of the set. For a model without an encoder, as a GAN, codes of images are
found by gradient descent, as imago invert does.`,
		Example: `  imago walk latest
  imago walk latest --stops 12 --steps 30 --seed 7
  imago walk dcgan-mnist-001 --seeds 3,7,11 --truncation 0.7
  imago walk face-vae-celeba-001 me.jpg you.jpg --out us.gif`,
		Args: argCount(0, -1, "a run, and images if wanted"),
	}
	f := c.Flags()
	f.IntVar(&stops, "stops", 8, "`number` of codes to draw, if no images are named")
	f.IntVar(&leg, "steps", 16, "`images` from one stop to the next")
	f.DurationVar(&delay, "delay", 60*time.Millisecond, "`time` that each image is shown")
	f.IntVar(&side, "side", 256, "about how many `pixels` the longer side of the animation has; images are enlarged a whole number of times")
	f.StringVar(&path, "path", sphericalPath, "`path` between the stops: linear or spherical")
	seedFlag(c, &seed, "the stops")
	f.StringVar(&out, "out", "walk.gif", "GIF `file` to write")
	pick.addSeedFlags(c)
	pick.addFlags(c, 0)
	from.addFlags(a, c)
	c.RunE = func(c *cobra.Command, args []string) error {
		args, files := runAndFiles(args, &from)
		if !strings.EqualFold(filepath.Ext(out), ".gif") {
			return usagef(c, "--out %q: want a name that ends in .gif", out)
		}
		if err := cmp.Or(atLeast("stops", stops, 2), atLeast("steps", leg, 1), atLeast("side", side, 1), oneOf("path", path, linearPath, sphericalPath), checkFolder("out", out), pick.check(files)); err != nil {
			return usage(c, err)
		}
		if delay < 10*time.Millisecond || delay > time.Minute {
			return usagef(c, "--delay %v: want 10ms to 1m", delay)
		}
		if n := pick.countNamed(files); n > 0 {
			stops = n
		}
		if stops < 2 || stops > maxWalk/leg {
			return usagef(c, "%s of %s: want two stops or more, and %s or fewer in all", english.Plural(stops, "leg"), english.Plural(leg, "image"), thousands(maxWalk))
		}
		m, err := a.open(c, args, &from)
		if err != nil {
			return err
		}
		defer m.Close()
		var codes []float32
		var labels []float32 // of each stop
		if pick.countNamed(files) == 0 && m.StandardPrior() {
			if labels, err = m.labelRows(pick.as, m.DecodeLabels(), stops); err != nil {
				return usage(c, err)
			}
			codes = pick.truncation.codes(rng.New(seed).Split("walk"), stops, m.Latent())
		} else {
			pick.n = stops
			images, err := a.openInputs(c, m, &pick, files)
			if err != nil {
				return err
			}
			if codes, err = a.inputCodes(c.Context(), m, images); err != nil {
				return err
			}
			if labels, err = m.labelsOf(images.images); err != nil {
				return err
			}
		}
		z, err := latent.Walk(pathByName[a.choosePaths(c, m, path)[0]], codes, m.Latent(), leg)
		if err != nil {
			return err
		}
		if labels != nil {
			if labels, err = latent.Walk(latent.Linear, labels, m.DecodeLabels(), leg); err != nil {
				return err
			}
		}
		pix, err := m.DecodeAs(c.Context(), z, labels)
		if err != nil {
			return err
		}
		img := m.Item()
		frames := make([]image.Image, len(pix)/img.Size())
		for i := range frames {
			frames[i], err = viz.Grid(img, pix[i*img.Size():(i+1)*img.Size()], 1, viz.GridOptions{Scale: tileScale(img, side), Gap: -1})
			if err != nil {
				return err
			}
		}
		b, err := viz.GIF(frames, viz.AnimationOptions{Delay: delay, Hold: delay, MaxSide: -1})
		if err != nil {
			return err
		}
		if err := atomicfile.WriteBytes(out, b); err != nil {
			return fmt.Errorf("walk: %w", err)
		}
		a.printWritten(out, "%s between %s by %s", english.Plural(len(frames), "image"), english.Plural(len(codes)/m.Latent(), "stop"), m.name)
		return nil
	}
	return c
}
