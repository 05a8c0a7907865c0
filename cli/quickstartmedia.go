package cli

import (
	"fmt"
	"strings"

	"github.com/imago-ml/imago/internal/catalog"
	"github.com/imago-ml/imago/train/runlog"
)

// A firstRun is what quickstart trains for a medium. To add a medium, add a row to firstRuns.
type firstRun struct {
	medium  string           // value of --medium
	items   string           // name of the medium of the set's items, where it is another
	about   string           // for the help, a sentence without its subject: "draws 70,000 handwritten digits, ..."
	recipe  string           // kind of model with its settings
	options []catalog.Option // in which the model differs from the recipe's
	data    string           // a set that imago draws itself, so that nothing is downloaded
	epochs  int              // for which it trains within three minutes on two processors

	// next returns commands to try with the run in dir, a name quoted for the shell, and what each makes.
	next func(dir string, run *runlog.Run) [][2]string
}

// firstRuns is the table of media; the first row is the default.
var firstRuns = []firstRun{
	{
		medium: "image",
		about: `draws 70,000 handwritten digits, trains the convolutional variational autoencoder on them for a few epochs (cnn-vae
with --loss bce), and makes a run with pictures and a report: the codes of the digits, digits decoded from codes, and
the losses over training. It takes about two minutes on two processors.`,
		recipe: "cnn-vae", data: "digits", epochs: 4,
		// With the published mse the second latent unit is hardly active after a few epochs.
		options: []catalog.Option{{Name: "loss", Value: "bce"}},
		next: func(dir string, run *runlog.Run) [][2]string {
			return [][2]string{
				{"manifold " + dir + " --n 20 --lo -3 --hi 3", "the digits in the latent plane"},
				{"reconstruct " + dir + " my-digit.jpg --invert", "a digit that you wrote yourself"},
				{fmt.Sprintf("train --resume %s --epochs %d", dir, 3*run.Config.Epochs), "continue the same run"},
				{"train cnn-vae --data mnist", "real handwritten digits"},
			}
		},
	},
	{
		medium: "sound",
		about: `makes 3,000 short sounds of six drums and four instruments, trains a conditional variational autoencoder on their
spectrograms (sound-cvae), and makes a run with a report that plays what the model made.`,
		recipe: "sound-cvae", data: "tones", epochs: 30,
		next: func(dir string, run *runlog.Run) [][2]string {
			return [][2]string{
				{"sample " + dir + " --as snare -n 8 --out snares.wav", "eight snares that nobody played"},
				{"interpolate " + dir + " --index 0,5", "from one sound to another"},
				{fmt.Sprintf("train --resume %s --epochs %d", dir, 2*run.Config.Epochs), "continue the same run"},
				{"train --data recordings/", "a folder of your own recordings"},
			}
		},
	},
	{
		medium: "music", items: "melody",
		about: `makes 8,000 melodies of two bars by a small grammar, trains a recurrent variational autoencoder on them (melody-vae),
and makes a run with a report that shows and plays what the model made.`,
		recipe: "melody-vae", data: "tunes", epochs: 12,
		next: func(dir string, run *runlog.Run) [][2]string {
			return [][2]string{
				{"sample " + dir + " -n 8 --out made.mid", "eight melodies that nobody wrote"},
				{"interpolate " + dir + " --index 0,5", "from one melody to another"},
				{fmt.Sprintf("train --resume %s --epochs %d", dir, 2*run.Config.Epochs), "continue the same run"},
				{"train --data tunes.zip", "a folder or zip of your own MIDI files"},
			}
		},
	},
	{
		medium: "text",
		about: `makes 20,000 sentences by a small grammar, trains a recurrent variational autoencoder on them, word by word (char-vae), and
makes a run with a report that shows what the model wrote.`,
		recipe: "char-vae", data: "sentences", epochs: 8,
		next: func(dir string, run *runlog.Run) [][2]string {
			return [][2]string{
				{"sample " + dir + " -n 20", "twenty sentences that nobody wrote"},
				{"interpolate " + dir + " --index 0,5", "from one sentence to another"},
				{fmt.Sprintf("train --resume %s --epochs %d", dir, 2*run.Config.Epochs), "continue the same run"},
				{"train --data names.txt", "your own texts, one a line"},
			}
		},
	},
}

// firstRunOf returns the row of a medium.
func firstRunOf(name string) (firstRun, error) {
	for _, r := range firstRuns {
		if r.medium == name {
			return r, nil
		}
	}
	return firstRun{}, fmt.Errorf("--medium %s: no first model of that; want %s", name, firstMedia(" or "))
}

// firstMedia returns the names of the media with a word between.
func firstMedia(between string) string {
	names := make([]string, len(firstRuns))
	for i, r := range firstRuns {
		names[i] = r.medium
	}
	return strings.Join(names, between)
}

// modelFlags returns the options of the row as flags of a command line.
func (r firstRun) modelFlags() *modelFlags {
	m := &modelFlags{}
	for _, o := range r.options {
		m.options = append(m.options, &optionFlag{name: o.Name, kind: "string", value: o.Value, set: true})
	}
	return m
}

// aboutFirstRuns says for the help what quickstart does for each medium.
func aboutFirstRuns() string {
	var b strings.Builder
	for i, r := range firstRuns {
		if i > 0 {
			fmt.Fprintf(&b, "\n\nWith --medium %s it %s", r.medium, r.about)
			continue
		}
		b.WriteString("quickstart " + r.about)
	}
	return b.String()
}
