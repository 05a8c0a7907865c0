package catalog

import (
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/celeba"
	"github.com/imago-ml/imago/data/chorales"
	"github.com/imago-ml/imago/data/digits"
	"github.com/imago-ml/imago/data/faces"
	"github.com/imago-ml/imago/data/folder"
	"github.com/imago-ml/imago/data/mnist"
	"github.com/imago-ml/imago/data/music"
	"github.com/imago-ml/imago/data/npz"
	"github.com/imago-ml/imago/data/pianoroll"
	"github.com/imago-ml/imago/data/sentences"
	"github.com/imago-ml/imago/data/sound"
	"github.com/imago-ml/imago/data/stacked"
	datatable "github.com/imago-ml/imago/data/table"
	"github.com/imago-ml/imago/data/text"
	"github.com/imago-ml/imago/data/tones"
	"github.com/imago-ml/imago/data/tunes"
)

// Data registers the named data sets, and the readers of paths.
func Data(r *data.Registry) {
	r.Register(digits.Source())
	r.Register(stacked.Source(digits.Source()))
	r.Register(faces.Source())
	for _, s := range mnist.Sources() {
		r.Register(s)
		r.Register(stacked.Source(s))
	}
	r.Register(celeba.Source())
	r.Register(tunes.Source())
	r.Register(chorales.Source())
	r.Register(sentences.Source())
	r.Register(sound.FSDD())
	r.Register(tones.Source())
	r.RegisterOpener(mnist.Opener())
	r.RegisterOpener(celeba.Opener())
	r.RegisterOpener(npz.Opener())
	r.RegisterOpener(datatable.Opener())
	r.RegisterOpener(pianoroll.Opener())
	r.RegisterOpener(text.Opener())   // only files
	r.RegisterOpener(sound.Opener())  // only folders of recordings
	r.RegisterOpener(music.Opener())  // only folders of MIDI files
	r.RegisterOpener(folder.Opener()) // last: it takes any folder
}
