package vae

import "github.com/imago-ml/imago/models/model"

// MelodyVAE returns the recipe of melodies of sequence-vae: MusicVAE of Roberts, Engel, Raffel,
// Hawthorne & Eck 2018, arXiv:1803.05416, for two bars, at a quarter of its size. A
// bidirectional LSTM reads the steps, and an LSTM that is given the code at each step writes
// them. In place of its layers of 2,048 units and days of training it has a plan: a dense layer
// makes of the code what the decoder is given at each step, as the conductor of the hierarchical
// decoder does for each bar. 34 nats of the KL are free, as its 48 bits, and what is above counts
// half. Melodies are transposed by up to five semitones, another way in each epoch.
func MelodyVAE() model.Recipe {
	return model.Recipe{Name: "melody-vae", About: "MusicVAE: variational autoencoder of melodies of two bars", Kind: "sequence-vae",
		Config: `{"latent": 128, "beta": 0.5, "free_nats": 34, "warmup": 0.5, "cell": "lstm", "embedding": 64, "encoder_units": 256, "decoder_units": [256], "plan": 32}`,
		Train:  model.Training{Epochs: 100, Batch: 128, LearningRate: 4e-3, Schedule: "cosine", Shift: 5}}
}
