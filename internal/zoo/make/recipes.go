package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"github.com/imago-ml/imago"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/train/runlog"
)

// A recipe says how a model is trained.
type recipe struct {
	name     string // of the model in the zoo
	recipe   string // of imago
	options  []string
	data     string
	size     int           // of the images, a side; 0 = their own
	training imago.Options // where it is not as published
	metrics  []string
}

// recipes returns all of them. They are small, so that the program stays small, and each is trained for some minutes on
// two processors.
func recipes() []recipe {
	likelihood := []string{"test_loss", "nll"}
	all := []recipe{
		{"cnn-vae", "cnn-vae", []string{"loss=bce"}, "digits", 0, imago.Options{Epochs: 4, LR: 2e-3, Schedule: "cosine"}, likelihood},
		{"cvae", "cvae", []string{"latent=8", "filters=16,32", "dense=128"}, "digits", 0, imago.Options{Epochs: 3, LR: 2e-3, Schedule: "cosine"}, likelihood},
		// A learned σ comes to 0.08. The codes then hold 169 nats, and few draws from N(0, I) are codes of faces. With σ = 0.2 they
		// hold a quarter of that.
		{"face-vae", "face-vae", []string{"latent=48", "filters=32,64,96", "loss=gaussian", "sigma=0.2"}, "faces", 32, imago.Options{Epochs: 14, Batch: 32, LR: 2e-3, Schedule: "cosine", Flip: true}, likelihood},
		// The average of the generator would be a third of its size, and the schedule ends at 0. At the published rate, 0.2,
		// so small a discriminator does not learn in time: the generator then says its codes in noise.
		{"infogan", "infogan", []string{"latent=24", "filters=16,32", "dense=64", "ema=0", "d-rate=1"}, "digits", 0, imago.Options{Epochs: 16, Batch: 64}, []string{"test_cluster_accuracy", "test_cluster_nmi"}},
	}
	// Small twins of different beta, and an autoencoder beside them: what beta does is seen by going from one to the next.
	small, short := []string{"filters=8,12", "dense=24", "latent=2", "loss=bce"}, imago.Options{Epochs: 5, LR: 3e-3, Schedule: "cosine"}
	all = append(all, recipe{"ae", "cnn-ae", small, "digits", 0, short, []string{"test_loss"}})
	for _, beta := range []string{"0.1", "1", "4", "16", "64"} {
		all = append(all, recipe{"beta-" + beta, "cnn-vae", slices.Concat(small, []string{"beta=" + beta}), "digits", 0, short, []string{"test_loss"}})
	}
	return all
}

// train trains the model in a folder, unless a complete run of it is there, and returns the run. limit is how many training items are
// used; 0 is all.
func (r recipe) train(ctx context.Context, work string, threads, limit int) (*runlog.Run, error) {
	dir := filepath.Join(work, r.name)
	if run, err := runlog.Open(dir, ""); err == nil {
		lines, err := run.Lines()
		if err == nil && len(lines) > 0 && run.Config.IsLast(&lines[len(lines)-1]) {
			return run, nil
		}
	}
	published, err := imago.Published(r.recipe, r.options...)
	if err != nil {
		return nil, err
	}
	set, err := imago.Data(ctx, r.data, data.Options{Size: r.size, Limit: limit})
	if err != nil {
		return nil, err
	}
	o := r.training
	o.Out, o.Name, o.Threads, o.PicturesEvery, o.Progress = work, r.name, threads, -1, os.Stdout
	t, err := imago.Train(ctx, set, published, o)
	if err != nil {
		return nil, err
	}
	if err := t.Close(); err != nil {
		return nil, err
	}
	return runlog.Open(dir, "")
}
