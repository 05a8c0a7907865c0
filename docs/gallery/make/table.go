package main

// An entry is what the gallery says of a recipe beyond what the recipe itself, its paper and its options say.
type entry struct {
	recipe  string
	data    string   // the set of the command
	options []string // that matter, in their order
	weak    []string // known weaknesses
	picture picture
}

// A picture is how a picture of a page is made.
type picture struct {
	alt string
	// commands are command lines of imago. All but the last train, in a folder of their own; the last writes the
	// picture.
	commands []string
	whole    bool // the picture is the sheet with its titles, rather than the pictures of the sheet
	columns  bool // of pictures of one class, rather than rows
	again    bool // the tests make it again and compare it: it takes seconds
}

// A group is a part of the gallery.
type group struct {
	title, about string
	entries      []entry
}

// shortly returns the picture of a model that is trained for a short time on digits that imago draws.
func shortly(recipe, training string, p picture) picture {
	train := "imago train " + recipe + " --data digits " + training + " --pictures-every -1 --name " + recipe
	p.commands = append([]string{train}, p.commands...)
	return p
}

// drawn returns the picture of samples of a model.
func drawn(model, alt string) picture {
	return picture{alt: alt, commands: []string{"imago sample " + model + " -n 40 --seed 1"}}
}

// classes returns the picture of samples of a model, four of each of ten classes.
func classes(model, alt string) picture {
	p := drawn(model, alt)
	p.columns = true
	return p
}

// rebuilt returns the picture of test digits as a model reconstructs them.
func rebuilt(model string) picture {
	return picture{alt: "test digits as the model reconstructs them", commands: []string{"imago reconstruct " + model + " --count 40"}}
}

// tested returns a picture that the tests make again.
func tested(p picture) picture {
	p.again = true
	return p
}

const (
	fromPrior  = "digits drawn from the prior"
	perClass   = "generated digits, a column for each class"
	generated  = "generated digits"
	afterShort = "generated digits after a very short training"
)

// groups returns the gallery: each recipe once.
func groups() []group {
	return []group{
		{"Variational autoencoders", "One network makes a code of a picture, another a picture of a code, and the codes are held to a prior. They train steadily and in minutes.", []entry{
			{"mlp-vae", "mnist", []string{"latent", "loss", "beta", "hidden", "warmup", "free-bits"}, []string{
				"With two latent units the samples are soft: many pictures share a code.",
				"Dense layers know no neighbouring pixels: beyond 28x28, `cnn-vae` learns more from the same pictures.",
			}, tested(shortly("mlp-vae", "--epochs 3", drawn("mlp-vae", fromPrior)))},
			{"cnn-vae", "mnist", []string{"latent", "loss", "beta", "filters", "dense", "residual"}, []string{
				"With `--loss mse` the second unit becomes active at a time that depends on the seed: seeds differ by nats until then.",
				"Two units and a layer of 16 before them hold little: for pictures in colour use `face-vae`.",
			}, tested(drawn("zoo:cnn-vae", fromPrior))},
			{"face-vae", "faces", []string{"latent", "loss", "filters", "beta", "residual"}, []string{
				"Fine detail is lost: hair and teeth become smooth.",
				"An edit along a direction may take along what went with it in the training pictures.",
			}, tested(picture{alt: "cartoon faces drawn from the prior", commands: []string{"imago sample zoo:face-vae -n 15 --seed 1"}})},
			{"wae-mmd", "mnist", []string{"mmd", "mmd-kernel", "beta", "latent"}, []string{
				"The discrepancy compares the codes of one batch, so a small batch makes it noisy.",
				"It has no bound of the likelihood, so its loss says nothing about nats.",
			}, shortly("wae-mmd", "--limit 20000 --epochs 8", drawn("wae-mmd", fromPrior))},
			{"iwae", "mnist", []string{"samples", "latent", "hidden", "binarize"}, []string{
				"A step of 50 samples takes 41 times as long as one of a single sample: 75.4 and 1.84 ms.",
				"With more samples the encoder's gradient becomes noisier (Rainforth et al. 2018): the bound is tighter, the codes may be worse.",
			}, shortly("iwae", "--samples 5 --epochs 8 --batch 128", drawn("iwae", fromPrior))},
			{"burda-vae", "mnist", []string{"samples", "latent", "hidden", "binarize"}, []string{
				"The eight stages of its schedule are 3,280 epochs: it is for the comparison with the paper.",
			}, shortly("burda-vae", "--epochs 3 --batch 128", drawn("burda-vae", fromPrior))},
			{"ladder-vae", "mnist", []string{"latents", "hidden", "warmup", "free-bits"}, []string{
				"The paper finds the upper units unused without warm-up; here it is on for ten epochs.",
			}, shortly("ladder-vae", "--limit 20000 --epochs 5", drawn("ladder-vae", fromPrior))},
			{"factor-vae", "faces", []string{"gamma", "latent", "d-hidden", "d-rate"}, []string{
				"Nothing says which unit becomes which factor, and two seeds find different ones.",
				"A large weight costs reconstruction.",
			}, picture{alt: "small faces in grey, drawn from the prior", commands: []string{
				"imago train factor-vae --data faces --size 16 --gray --latent 6 --loss gaussian --sigma 0.1 --batch 64 --steps 1500 --pictures-every -1 --name factor-vae",
				"imago sample factor-vae -n 40 --seed 1",
			}}},
			{"vq-vae", "mnist", []string{"codebook", "dim", "width", "commitment", "pretrain", "prior-layers"}, []string{
				"Samples are as good as the second network, which learns the prior of the codes and is trained after the first.",
				"Vectors of the codebook may stay unused: `perplexity` in the log says how many are in use.",
				"Its code is a grid of numbers of vectors: there is no plane to look at, and no direction to edit along.",
			}, shortly("vq-vae", "--limit 10000 --epochs 3 --pretrain 2", rebuilt("vq-vae"))},
		}},
		{"Sequences", "Recurrent networks read and write texts, a token at a time, and the code is what a whole text is about.", []entry{
			{"sentence-vae", "sentences", []string{"latent", "warmup", "anneal", "free-bits", "word-dropout", "dropout", "skip"}, []string{
				"A decoder that knows the words before does well without the code: the KL goes to 0 if its weight rises early. The run warns of it.",
				"The most likely word at each step makes tame sentences.",
			}, picture{alt: "sentences drawn from the prior", whole: true, commands: []string{
				"imago train sentence-vae --data sentences --epochs 3 --batch 64 --warmup 2 --pictures-every -1 --name sentence-vae",
				"imago sample sentence-vae -n 12 --seed 1",
			}}},
			{"char-vae", "sentences", []string{"latent", "beta", "warmup", "free-bits", "skip", "word-dropout", "encoder-units", "decoder-units"}, []string{
				"With a weight of the KL below 1 the codes are wider apart than the prior: fit one to them with `imago fit-prior latest`.",
				"Long texts do not fit into a code: what is far from the beginning is lost first.",
			}, picture{alt: "sentences and their reconstructions", whole: true, commands: []string{
				"imago train char-vae --data sentences --epochs 2 --pictures-every -1 --name char-vae",
				"imago reconstruct char-vae --count 12",
			}}},
			{"language-model", "sentences", []string{"cell", "recurrent-units", "embedding", "dropout"}, []string{
				"It has no codes: there is nothing to encode, to interpolate or to edit. It is what the VAEs of texts are compared with.",
			}, picture{alt: "sentences drawn word by word", whole: true, commands: []string{
				"imago train language-model --data sentences --epochs 2 --pictures-every -1 --name language-model",
				"imago sample language-model -n 12 --seed 1",
			}}},
		}},
		{"Music", "Melodies and drum patterns are sequences of tokens too, a token a sixteenth. Polyphonic music is a sequence of steps, each with the keys that are down.", []entry{
			{"melody-vae", "tunes", []string{"latent", "beta", "free-nats", "warmup", "encoder-units", "decoder-units"}, []string{
				"A few epochs give melodies that wander: the notes of a melody come back after tens of epochs.",
				"`--data` takes a folder of your own MIDI files; drum patterns want `--shift 0`, as they have no pitches.",
				"Its direction `average-interval` hardly steers: the average interval is no linear function of the codes.",
			}, picture{alt: "piano-rolls of melodies drawn from the prior", whole: true, commands: []string{
				"imago train melody-vae --data tunes --epochs 3 --pictures-every -1 --name melody-vae",
				"imago sample melody-vae -n 12 --seed 1",
			}}},
			{"roll-lstm", "chorales", []string{"cell", "recurrent-units", "dropout"}, []string{
				"The keys of a step do not depend on each other, only on the steps before: a chord may mix two that would both have been right.",
				"It has no codes: there is nothing to encode, to interpolate or to edit.",
			}, picture{alt: "piano-rolls of chorales drawn step by step", whole: true, commands: []string{
				"imago train roll-lstm --data chorales --epochs 15 --pictures-every -1 --name roll-lstm",
				"imago sample roll-lstm -n 12 --seed 1",
			}}},
			{"dmm", "chorales", []string{"latent", "transition-units", "emission-units", "recurrent-units", "dropout", "warmup"}, []string{
				"A few hundred pieces are learned by heart: choose the end of the training by `--validation 0.1`.",
				"It has a state for each step and no code of a whole piece: there is nothing to interpolate or to edit.",
			}, picture{alt: "piano-rolls of chorales drawn step by step", whole: true, commands: []string{
				"imago train dmm --data chorales --epochs 20 --warmup 5 --pictures-every -1 --name dmm",
				"imago sample dmm -n 12 --seed 1",
			}}},
		}},
		{"Autoencoders", "The same networks without a prior: the best reconstructions, and holes between the codes.", []entry{
			{"mlp-ae", "mnist", []string{"latent", "loss", "hidden"}, []string{
				"A code drawn from a Gaussian decodes to nonsense: fit a prior to its codes first (`imago fit-prior latest`).",
			}, shortly("mlp-ae", "--latent 16 --loss bce --epochs 10", rebuilt("mlp-ae"))},
			{"cnn-ae", "mnist", []string{"latent", "loss", "filters", "dense"}, []string{
				"Its codes lie anywhere, with holes between them: interpolations cross what was never decoded.",
			}, tested(rebuilt("zoo:ae"))},
			{"aae", "mnist", []string{"latent", "loss", "hidden", "adversarial-rate"}, []string{
				"As in any GAN, the two sides must stay in balance: `d_accuracy` in the log is how often the discriminator of codes is right.",
			}, shortly("aae", "--limit 30000 --epochs 3", drawn("aae", fromPrior))},
		}},
		{"With labels, or finding them", "Pictures of a class of your choice, classes from few labels, and classes without any.", []entry{
			{"cvae", "mnist", []string{"latent", "loss", "filters", "beta"}, []string{
				"A label that does not change the picture much is ignored: `imago eval latest --only recognised` measures it.",
			}, tested(classes("zoo:cvae", perClass))},
			{"sound-cvae", "tones", []string{"latent", "loss", "sigma", "filters", "beta"}, []string{
				"A spectrogram has no phases: they are found afterwards, and a voice sounds as if through a pipe.",
				"With a smaller `--sigma` clips are sharper, and codes of N(0, I) are of another class than you asked for: `imago fit-prior latest`, then `sample --prior mixture`.",
			}, picture{alt: "spectrograms of generated sounds, a column for each drum or instrument", columns: true, commands: []string{
				"imago train sound-cvae --data tones --epochs 11 --pictures-every -1 --name sound-cvae",
				"imago sample sound-cvae -n 40 --seed 1",
			}}},
			{"mlp-cvae", "mnist", []string{"latent", "loss", "hidden", "beta"}, []string{
				"As soft as `mlp-vae`; the class is right, the stroke is blurred.",
			}, shortly("mlp-cvae", "--latent 8 --loss bce --epochs 15", classes("mlp-cvae", perClass))},
			{"m1", "mnist", []string{"labelled", "pretrain", "latent", "class-hidden"}, []string{
				"The classifier sees the codes only: what the VAE left out, it cannot use.",
			}, shortly("m1", "--epochs 25 --pretrain 20", drawn("m1", fromPrior))},
			{"m2", "mnist", []string{"labelled", "labelled-seed", "alpha", "latent"}, []string{
				"Each unlabelled image is computed once for each class, so a step takes many times that of `m1`.",
				"The result depends on which images are labelled: train with several values of `--labelled-seed`.",
			}, shortly("m2", "--labelled 5000 --labelled-batch 50 --labelled-weight 1 --alpha 10 --latent 6 --batch 20 --steps 3000 --lr 2e-3", classes("m2", perClass))},
			{"m1m2", "mnist", []string{"labelled", "labelled-seed", "pretrain", "alpha", "style"}, []string{
				"The published error, 3.33 %, is after 3,000 epochs.",
			}, shortly("m1m2", "--limit 20000 --labelled 2000 --epochs 30 --pretrain 15", classes("m1m2", perClass))},
			{"vade", "mnist", []string{"clusters", "covariance", "pretrain", "latent"}, []string{
				"The clusters depend on the seed: train several, and take the one with the best loss, which needs no labels.",
				"The number of clusters is yours to give.",
			}, shortly("vade", "--limit 20000 --epochs 8 --pretrain 4", drawn("vade", fromPrior))},
		}},
		{"GANs", "Two networks play against each other: sharp samples, no codes of given pictures, and a training that can fail.", []entry{
			{"dense-gan", "mnist", []string{"loss", "d-steps", "d-rate", "latent"}, []string{
				"White specks, and few of the possible pictures: it is the tutorial's first step, not the last.",
				"The loss says nothing about the quality.",
			}, shortly("dense-gan", "--steps 3000", drawn("dense-gan", generated))},
			{"dcgan", "faces", []string{"loss", "d-norm", "r1", "ema", "filters", "augment"}, []string{
				"Batch norm in the discriminator fails on `faces` (FID 227, with speckles): use `--d-norm none --r1 1`.",
				"Below a thousand pictures the discriminator learns them by heart: use `--augment`.",
			}, shortly("dcgan", "--limit 20000 --epochs 8 --batch 128 --lr 1e-3 --ema 0.99", drawn("dcgan", generated))},
			{"wgan-gp", "mnist", []string{"gp", "d-steps", "loss", "filters"}, []string{
				"Five updates of the critic for one of the generator, each with a gradient of a gradient: an iteration sees 320 images.",
			}, shortly("wgan-gp", "--steps 800 --lr 5e-4", drawn("wgan-gp", afterShort))},
			{"resnet-gan", "mnist", []string{"loss", "d-norm", "d-steps", "ema"}, []string{
				"Its samples were not measured here: no figure says that it draws better than `dcgan`.",
			}, shortly("resnet-gan", "--steps 1500", drawn("resnet-gan", afterShort))},
			{"cgan", "mnist", []string{"loss", "d-norm", "d-rate", "ema"}, []string{
				"It needs a label for each training picture.",
				"Within a class it can collapse as any GAN: look at the rows of the sheet.",
			}, shortly("cgan", "--limit 20000 --epochs 6 --ema 0.99", classes("cgan", perClass))},
			{"infogan", "mnist", []string{"info-classes", "info-codes", "info", "d-rate", "ema"}, []string{
				"What the classes become depends on the seed: see the figures above.",
			}, tested(drawn("zoo:infogan", generated))},
			{"vae-gan", "mnist", []string{"latent", "reconstruction", "loss", "d-rate"}, []string{
				"Three losses to balance: sharper than a VAE, and less sure to train.",
			}, shortly("vae-gan", "--latent 16 --limit 20000 --epochs 6", drawn("vae-gan", generated))},
		}},
	}
}

// A sheetOf is a picture of a page that is no recipe's: a whole sheet, by commands that the page shows.
type sheetOf struct {
	name, page string // of the repository
	picture
}

// sheets returns the pictures of other pages.
func sheets() []sheetOf {
	return []sheetOf{
		{"manifold", "README.md", tested(picture{whole: true, commands: []string{"imago manifold zoo:cnn-vae --n 15 --lo -2 --hi 1"}})},
		{"gan-digits", "README.md", tested(picture{whole: true, commands: []string{"imago sample zoo:infogan -n 100 --seed 1"}})},
		{"face-glasses", "README.md", tested(picture{whole: true, commands: []string{"imago edit zoo:face-vae --attr Eyeglasses --index 10,2,8,11"}})},
		{"infogan-found", "docs/results.md", tested(picture{whole: true, commands: []string{"imago cluster zoo:infogan --count 10"}})},
	}
}
