package catalog

// papers are where recipes come from, as docs/recipes.md has it.
var papers = map[string]string{
	"mlp-vae": kingma, "cnn-vae": kingma, "face-vae": kingma,
	"cvae": sohn, "mlp-cvae": sohn, "sound-cvae": sohn, "iwae": burda, "burda-vae": burda,
	"ladder-vae": "Sønderby et al. 2016, Ladder Variational Autoencoders, arXiv:1602.02282",
	"wae-mmd":    "Tolstikhin et al. 2018, Wasserstein Auto-Encoders, arXiv:1711.01558",
	"factor-vae": "Kim & Mnih 2018, Disentangling by Factorising, arXiv:1802.05983",
	"m1":         semi, "m2": semi, "m1m2": semi,
	"vade":         "Jiang et al. 2017, Variational Deep Embedding, arXiv:1611.05148",
	"sentence-vae": bowman, "char-vae": bowman, "melody-vae": roberts,
	"language-model": "Mikolov et al. 2010, Recurrent Neural Network Based Language Model",
	"roll-lstm":      "Boulanger-Lewandowski et al. 2012, Modeling Temporal Dependencies in High-Dimensional Sequences, arXiv:1206.6392",
	"dmm":            "Krishnan et al. 2017, Structured Inference Networks for Nonlinear State Space Models, arXiv:1609.09869",
	"vq-vae":         "van den Oord et al. 2017, Neural Discrete Representation Learning, arXiv:1711.00937",
	"dense-gan":      "Goodfellow et al. 2014, Generative Adversarial Networks, arXiv:1406.2661",
	"dcgan":          "Radford et al. 2016, Unsupervised Representation Learning with DCGANs, arXiv:1511.06434",
	"resnet-gan":     "Miyato et al. 2018, Spectral Normalization for GANs, arXiv:1802.05957",
	"wgan-gp":        "Gulrajani et al. 2017, Improved Training of Wasserstein GANs, arXiv:1704.00028",
	"cgan":           "Miyato & Koyama 2018, cGANs with Projection Discriminator, arXiv:1802.05637",
	"infogan":        "Chen et al. 2016, InfoGAN, arXiv:1606.03657",
	"aae":            "Makhzani et al. 2015, Adversarial Autoencoders, arXiv:1511.05644",
	"vae-gan":        "Larsen et al. 2016, Autoencoding beyond pixels, arXiv:1512.09300",
}

// Papers that several recipes come from.
const (
	kingma  = "Kingma & Welling 2014, Auto-Encoding Variational Bayes, arXiv:1312.6114"
	sohn    = "Sohn et al. 2015, Learning Structured Output Representation using Deep Conditional Generative Models"
	roberts = "Roberts et al. 2018, A Hierarchical Latent Vector Model for Learning Long-Term Structure in Music, arXiv:1803.05416"
	bowman  = "Bowman et al. 2016, Generating Sentences from a Continuous Space, arXiv:1511.06349"
	burda   = "Burda et al. 2016, Importance Weighted Autoencoders, arXiv:1509.00519"
	semi    = "Kingma et al. 2014, Semi-supervised Learning with Deep Generative Models, arXiv:1406.5298"
)

// Paper returns the paper that a recipe comes from, "" of one that has none.
func Paper(recipe string) string { return papers[recipe] }
