package catalog

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/music"
	"github.com/imago-ml/imago/data/pianoroll"
	"github.com/imago-ml/imago/data/sound"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/option"
)

// A Choice is the recipe that suits a set, for who names none.
type Choice struct {
	Recipe  string
	Options []Option // in which it differs from the recipe's own
	What    string   // what the set is: "300 pictures in colour of 120x80 to 4000x3000 pixels"
	How     string   // how it is trained: "at 64x64, for 60 epochs in batches of 32"
	Seconds float64  // of training on two processors, about
}

// An Option is an option of training, as a flag.
type Option struct{ Name, Value string }

// A rule is a row of the table by which recipes are chosen.
type rule struct {
	suits   func(l data.Look) bool
	recipe  string
	options func(l data.Look) []Option
	side    func(l data.Look) int // to which pictures are resized; 0 = they stay as they are
	steps   int                   // of batch items, for which the training lasts about two minutes
	batch   int
	epochs  [2]int  // fewest and most
	second  float64 // a second of two processors trains so many values
}

// rules is the table; the first row that suits is taken. The lengths are for two
// processors: a step of face-vae of 64 pictures of 64x64x3 takes 83 ms, one of cnn-vae of
// 128 of 28x28 takes 26 ms, one of mlp-vae 2 ms (docs/benchmarks.md). A small set is
// learned by heart before that, hence the most epochs: 300 faces are reproduced best
// after 50 to 60.
var rules = []rule{
	{
		suits:   func(l data.Look) bool { return hasMedium(l, music.MelodyName) },
		recipe:  "melody-vae",
		options: func(data.Look) []Option { return nil },
		side:    func(data.Look) int { return 0 }, steps: 2000, batch: 128, epochs: [2]int{4, 100}, second: 24e3,
	},
	{
		suits:   func(l data.Look) bool { return hasMedium(l, music.DrumsName) },
		recipe:  "melody-vae",
		options: func(data.Look) []Option { return []Option{{"shift", "0"}} }, // drums have no pitches
		side:    func(data.Look) int { return 0 }, steps: 2000, batch: 128, epochs: [2]int{4, 100}, second: 24e3,
	},
	{
		suits:   rolls,
		recipe:  "roll-lstm",
		options: func(data.Look) []Option { return nil },
		side:    func(data.Look) int { return 0 }, steps: 4000, batch: 20, epochs: [2]int{20, 300}, second: 10e6,
	},
	{ // texts of words
		suits:   func(l data.Look) bool { return texts(l) && l.Item.Vocabulary > letters },
		recipe:  "sentence-vae",
		options: func(data.Look) []Option { return nil },
		side:    func(data.Look) int { return 0 }, steps: 4000, batch: 32, epochs: [2]int{4, 40}, second: 4e3,
	},
	{ // texts of letters
		suits:   texts,
		recipe:  "char-vae",
		options: func(data.Look) []Option { return nil },
		side:    func(data.Look) int { return 0 }, steps: 2000, batch: 128, epochs: [2]int{4, 60}, second: 30e3,
	},
	{ // recordings with labels
		suits:   func(l data.Look) bool { return recordings(l) && l.Classes > 1 },
		recipe:  "sound-cvae",
		options: func(data.Look) []Option { return nil },
		side:    func(data.Look) int { return 0 }, steps: 3000, batch: 64, epochs: [2]int{10, 80}, second: 5.5e6,
	},
	{ // recordings without: a σ that is not learned, as in sound-cvae
		suits:  recordings,
		recipe: "face-vae",
		options: func(data.Look) []Option {
			return []Option{{"latent", "64"}, {"loss", "gaussian"}, {"sigma", "0.15"}}
		},
		side: func(data.Look) int { return 0 }, steps: 1400, batch: 64, epochs: [2]int{10, 80}, second: 5.5e6,
	},
	{ // a table: as many units as a quarter of the columns
		suits:  func(l data.Look) bool { return !pictures(l) },
		recipe: "mlp-vae",
		options: func(l data.Look) []Option {
			return []Option{{"latent", strconv.Itoa(min(max(l.Item.Size()/4, 2), 16))}, {"loss", "sigma"}}
		},
		side: func(data.Look) int { return 0 }, steps: 5000, batch: 128, epochs: [2]int{20, 200}, second: 50e6,
	},
	{ // small and grey, as digits: each pixel is nearly black or white
		suits:   func(l data.Look) bool { return l.Channels == 1 && l.Side < smallSide },
		recipe:  "cnn-vae",
		options: func(data.Look) []Option { return []Option{{"latent", "16"}, {"loss", "bce"}} },
		side:    func(l data.Look) int { return multiple(l, 4) }, steps: 3000, batch: 128, epochs: [2]int{4, 60}, second: 3.9e6,
	},
	{ // photographs
		suits:  func(data.Look) bool { return true },
		recipe: "face-vae",
		options: func(l data.Look) []Option {
			if l.Channels == 3 {
				return []Option{{"flip", "true"}} // grey ones may be letters, or X-rays with a left and a right
			}
			return nil
		},
		side: func(l data.Look) int {
			if l.Side < smallSide {
				return multiple(l, 16)
			}
			return 64
		},
		steps: 1400, batch: 64, epochs: [2]int{10, 60}, second: 9.4e6,
	},
}

// letters is the size of a vocabulary from which its tokens are words.
const letters = 300

// hasMedium reports whether the items are of the medium of that name.
func hasMedium(l data.Look, name string) bool {
	return l.Item.Medium != nil && l.Item.Medium.Name() == name
}

// rolls reports whether the items are piano-rolls.
func rolls(l data.Look) bool { return hasMedium(l, pianoroll.Name) }

// texts reports whether the items are sequences of tokens.
func texts(l data.Look) bool { return l.Item.Element == medium.Tokens }

// smallSide is the side in pixels from which a picture is not small.
const smallSide = 48

// pictures reports whether the items are images.
func pictures(l data.Look) bool { return l.Channels > 0 && !recordings(l) }

// recordings reports whether the items are clips of sound.
func recordings(l data.Look) bool {
	_, ok := l.Item.Medium.(sound.Medium)
	return ok
}

// multiple returns the side to which small pictures are resized: 0 if they have one size
// of multiples of n, else the largest multiple that is not above the usual side.
func multiple(l data.Look, n int) int {
	if h, w, _, err := medium.HWC(l.Item); err == nil && h%n == 0 && w%n == 0 {
		return 0
	}
	return max(n, l.Side/n*n)
}

// Choose returns the recipe that suits a set, and how to train it so that it takes about
// two minutes on two processors. given is what was chosen already: it changes the number
// of epochs, and is not among the options.
func Choose(l data.Look, given map[string]int) Choice {
	var r rule
	for _, r = range rules {
		if r.suits(l) {
			break
		}
	}
	c := Choice{Recipe: r.recipe}
	add := func(name string, value int) int {
		if v, ok := given[name]; ok {
			return v
		}
		c.Options = append(c.Options, Option{name, strconv.Itoa(value)})
		return value
	}
	values := 1 // of an item
	size := r.side(l)
	if _, ok := given["size"]; size > 0 || ok {
		size = add("size", size)
		c.How = fmt.Sprintf("at %dx%d, ", size, size)
	}
	if size > 0 {
		values = size * size * l.Channels
	} else {
		values = l.Item.Size()
	}
	few := 24 * r.batch
	batch := r.batch
	if l.N < few {
		batch /= 2
	}
	if l.N < few/8 {
		batch /= 2
	}
	batch = max(1, add("batch", batch))
	perEpoch := max(1, (l.N+batch-1)/batch)
	epochs := min(max(r.steps*r.batch/(perEpoch*batch), r.epochs[0]), r.epochs[1])
	epochs = add("epochs", epochs)
	c.Options = append(c.Options, r.options(l)...)
	c.How += fmt.Sprintf("for %s in batches of %d", english.Plural(epochs, "epoch"), batch)
	c.Seconds = float64(epochs) * float64(l.N) * float64(values) / r.second
	c.What = describe(l)
	return c
}

// describe says what a set is.
func describe(l data.Look) string {
	if texts(l) {
		return fmt.Sprintf("%s of up to %d tokens, of which %d differ", english.Plural(l.N, medium.Noun(l.Item)), l.Item.Size(), l.Item.Vocabulary)
	}
	if rolls(l) {
		return fmt.Sprintf("%s of up to %s", english.Plural(l.N, medium.Noun(l.Item)), english.Plural(l.Item.Shape[0], "step"))
	}
	if m, ok := l.Item.Medium.(sound.Medium); ok {
		of := ""
		if l.Classes > 1 {
			of = fmt.Sprintf(" of %d classes", l.Classes)
		}
		return fmt.Sprintf("%s%s, as clips of %.2f s at %d samples a second", english.Plural(l.N, "recording"), of, m.Seconds(), m.Rate)
	}
	if !pictures(l) {
		return fmt.Sprintf("%s of %s", english.Plural(l.N, "row"), english.Plural(l.Item.Size(), "column"))
	}
	kind := "in colour"
	switch {
	case l.Channels == 1:
		kind = "in grey"
	case l.Channels != 3:
		kind = fmt.Sprintf("of %d channels", l.Channels)
	}
	size := fmt.Sprintf("%dx%d", l.Small[0], l.Small[1])
	if l.Small != l.Large {
		size += fmt.Sprintf(" to %dx%d", l.Large[0], l.Large[1])
	}
	return fmt.Sprintf("%s %s of %s pixels", english.Plural(l.N, "picture"), kind, size)
}

// Duration returns the length of the training in words.
func (c Choice) Duration() string {
	if c.Seconds < 90 {
		return fmt.Sprintf("%.0f seconds", max(10, math.Ceil(c.Seconds/10)*10))
	}
	return fmt.Sprintf("%.0f minutes", math.Ceil(c.Seconds/60))
}

// Doubts says why a kind of model, given the JSON of its configuration, cannot do well on
// n training items like item; none if nothing speaks against it.
func Doubts(kind string, config json.RawMessage, item medium.Item, n int) []error {
	var o struct {
		Latent  int
		Augment *string
	}
	if json.Unmarshal(config, &o) != nil {
		return nil // Validate says why
	}
	var doubts []error
	h, w, c, err := medium.HWC(item)
	const rich, few, little = 32, 16, 1000
	switch kind {
	case "mlp-vae", "cnn-vae", "mlp-ae", "cnn-ae", "cvae", "mlp-cvae", "iwae", "factor-vae":
		if err == nil && c >= 3 && min(h, w) >= rich && o.Latent > 0 && o.Latent < few {
			doubts = append(doubts, option.Errorf("{Latent} %d holds little of a picture in colour of %dx%d: the pictures become blurs of one hue; {Latent} 64 suits, or the recipe face-vae", o.Latent, w, h))
		}
	case "dense-gan", "dcgan", "resnet-gan", "cgan", "infogan":
		switch {
		case n >= little:
		case err != nil:
			doubts = append(doubts, option.Errorf("a GAN learns %d items by heart in a few epochs: a VAE, as mlp-vae, does with fewer", n))
		case o.Augment != nil && (*o.Augment == "" || *o.Augment == "none"):
			doubts = append(doubts, option.Errorf("a GAN learns %d items by heart in a few epochs: {Augment} color,translation slows that for pictures, and a VAE, as face-vae, does with fewer", n))
		}
	}
	return doubts
}
