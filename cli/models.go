package cli

import (
	"github.com/imago-ml/imago/models/gan"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/models/vae"
)

// registerModels is the table of model kinds, each with its recipes.
func registerModels(r *model.Registry) {
	r.Register(vae.MLPVAE())
	cnn, published := vae.CNNVAE()
	r.Register(cnn, published, vae.FaceVAE(), vae.WAEMMD())
	r.Register(vae.MLPAE())
	r.Register(vae.CNNAE())
	r.Register(vae.CVAE())
	r.Register(vae.MLPCVAE())
	iwae, fifty, one := vae.IWAE()
	r.Register(iwae, fifty, one)
	r.Register(vae.Ladder())
	r.Register(vae.M1())
	r.Register(vae.M2())
	r.Register(vae.M1M2())
	r.Register(vae.VaDE())
	r.Register(vae.VQVAE())
	r.Register(gan.DenseGAN())
	dcgan, radford, wganGP := gan.DCGAN()
	r.Register(dcgan, radford, wganGP)
	r.Register(gan.ResNetGAN())
	r.Register(gan.CGAN())
	r.Register(gan.InfoGAN())
	r.Register(gan.AAE())
	r.Register(gan.VAEGAN())
}
