// Package catalog lists all that imago has: the kinds of models with their recipes, the
// media, the data sets and the readers of files. The command line and the root package
// of the library fill their tables from it:
//
//	var models model.Registry
//	catalog.Models(&models)
//
// To add a model or a data set, write its package and add one line here. The package
// imports all concrete models and data sets, and nothing that uses them.
package catalog

import (
	"github.com/imago-ml/imago/data/music"
	"github.com/imago-ml/imago/data/pianoroll"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/data/sound"
	"github.com/imago-ml/imago/data/table"
	"github.com/imago-ml/imago/data/text"
	"github.com/imago-ml/imago/models/gan"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/sequence"
	"github.com/imago-ml/imago/models/vae"
)

// Models registers the kinds of models, each with its recipes, and the media of their
// data.
func Models(r *model.Registry) {
	r.Media.Register(pixels.Kind())
	r.Media.Register(table.Kind())
	r.Media.Register(sound.Kind())
	r.Media.Register(music.MelodyKind())
	r.Media.Register(music.DrumsKind())
	r.Media.Register(pianoroll.Kind())
	r.Media.Register(text.Kind())
	r.Register(vae.MLPVAE())
	cnn, published := vae.CNNVAE()
	r.Register(cnn, published, vae.FaceVAE(), vae.WAEMMD())
	r.Register(vae.MLPAE())
	r.Register(vae.CNNAE())
	cvae, conditional := vae.CVAE()
	r.Register(cvae, conditional, vae.SoundCVAE())
	r.Register(vae.MLPCVAE())
	iwae, fifty, one := vae.IWAE()
	r.Register(iwae, fifty, one)
	r.Register(vae.Ladder())
	r.Register(vae.M1())
	r.Register(vae.M2())
	r.Register(vae.M1M2())
	r.Register(vae.VaDE())
	r.Register(vae.VQVAE())
	r.Register(vae.FactorVAE())
	sequences, words, letters := vae.SequenceVAE()
	r.Register(sequences, words, letters, vae.MelodyVAE())
	language, texts, rolls := sequence.LanguageModel()
	r.Register(language, texts, rolls)
	r.Register(sequence.DMM())
	r.Register(gan.DenseGAN())
	dcgan, radford, wganGP := gan.DCGAN()
	r.Register(dcgan, radford, wganGP)
	r.Register(gan.ResNetGAN())
	r.Register(gan.CGAN())
	r.Register(gan.InfoGAN())
	r.Register(vae.AAE())
	r.Register(gan.VAEGAN())
}
