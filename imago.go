package imago

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/imago-ml/imago/analysis/latent"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/data/pixels"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/internal/catalog"
	"github.com/imago-ml/imago/internal/memory"
	"github.com/imago-ml/imago/internal/option"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/optim"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/keep"
	"github.com/imago-ml/imago/train/runlog"
	"github.com/imago-ml/imago/train/terminal"
	"github.com/imago-ml/imago/viz"
	"github.com/imago-ml/imago/viz/gallery"
)

// A Recipe is what Train trains: a kind of model, its configuration, and how it is
// trained unless Options say otherwise. Own, Kind and Published return Recipes.
type Recipe struct {
	kind   model.Kind
	recipe model.Recipe
	config model.Config
	media  []medium.Kind
}

// WithMedium returns the recipe for data of a medium of your own, which Open needs to
// open what was trained.
func (r Recipe) WithMedium(kind medium.Kind) Recipe {
	r.media = append(slices.Clone(r.media), kind)
	return r
}

// Own returns the recipe of a model of your own: build makes it for the data, for
// instance by vae.New or gan.New. It is trained for 10 epochs in batches of 128 at a
// learning rate of 1e-3 unless Options say otherwise.
func Own(name string, build func(in model.Input) (*model.Model, error)) Recipe {
	kind := model.NewKind(name, "a model of the program's own", build)
	return Kind(kind, model.Recipe{Name: name, Kind: name, Train: model.Training{Epochs: 10, Batch: 128, LearningRate: 1e-3}})
}

// Kind returns the recipe of a kind with its default configuration, as vae.MLPVAE and
// vae.Kind return both: imago.Kind(vae.MLPVAE()).
func Kind(kind model.Kind, recipe model.Recipe) Recipe {
	r := Recipe{kind: kind, recipe: recipe}
	if kind.Default != nil {
		r.config = kind.Default()
	}
	return r
}

// Published returns a recipe of imago by its name, with options changed as on the
// command line:
//
//	r, err := imago.Published("cnn-vae", "latent=8", "beta=4")
//
// The error of an unknown name lists the known ones.
func Published(name string, options ...string) (Recipe, error) {
	var models model.Registry
	catalog.Models(&models)
	rec, err := models.Recipe(name)
	if err != nil {
		return Recipe{}, err
	}
	r := Recipe{recipe: rec}
	if r.kind, err = models.Kind(rec.Kind); err != nil {
		return Recipe{}, err
	}
	if r.config, err = models.Config(rec); err != nil {
		return Recipe{}, err
	}
	return r, errors.Join(model.SetOptions(r.config, options), r.config.Validate())
}

// Options say how Train trains and where it writes. The zero value of a field is the
// recipe's, or the usual.
type Options struct {
	Out  string // folder in which the folder of the run is created; "" = "runs"
	Name string // name of the run's folder; "" = <recipe>-<data>-NNN

	Epochs int     // times each item is used; 0 = the recipe's length
	Batch  int     // items a step
	LR     float64 // learning rate
	Seed   uint64  // of all randomness; 0 = 1

	// Optimizer replaces the model's own optimiser, as optim.UsualSettings("adamw"). It is
	// saved with the run.
	Optimizer optim.Settings

	// Init is the path of a run, a checkpoint or a file of weights whose weights the model
	// starts from; "" = they are drawn.
	Init string
	// Schedule is of the learning rate, as optim.ParseSchedule reads it; "" = the recipe's.
	Schedule string
	// Validation is the part of the training items that is not trained on: the best model,
	// and the end of the run by Patience, are chosen by its loss. 0 = chosen by the test items.
	Validation float64
	// Patience is the epochs in a row without a better loss after which the run ends; 0 =
	// it has its whole length.
	Patience int

	Threads  int       // 0 = one for each processor
	Progress io.Writer // where a line an epoch is written, a bar on a terminal; nil = nothing is
	// PicturesEvery is the epochs between pictures, which are drawn at the end too;
	// 0 = 5, −1 = there are none, and no report.
	PicturesEvery int
	Flip          bool // half of the times, left and right of a training image are exchanged
	// Shift is the pixels by which a training image is moved at most, up or down and left or
	// right, another way in each epoch.
	Shift int

	Observers []train.Observer // follow the run, after its lines and pictures
}

// A Trained is a trained model, ready to encode, decode, reconstruct and sample; see
// latent.Session for what it can do. Close it when done.
type Trained struct {
	*train.Trained
	// Dir is the folder of the run: weights, log, pictures and report.html.
	Dir string

	close func() error
}

// Close ends the threads of the model. It cannot be used afterwards.
func (t *Trained) Close() error { return t.close() }

// Draw returns n samples of the model, which depend on the seed alone: n items in
// [0, 1], one after another, those that imago sample and imago serve draw for the seed.
// Of a conditional model use Sample, with labels.
func (t *Trained) Draw(ctx context.Context, seed uint64, n int) ([]float32, error) {
	return t.Sample(ctx, latent.SampleKey(seed), n, nil)
}

// WritePicture writes items, as Draw and Decode return them, to a PNG file: a grid of
// so many columns, row after row. A file of that name is replaced.
func (t *Trained) WritePicture(name string, items []float32, columns int) error {
	item := t.Item()
	if len(items) == 0 || len(items)%item.Size() != 0 {
		return fmt.Errorf("imago: %d values: want one or more items of %v", len(items), item)
	}
	img, err := viz.Grid(item, items, max(1, columns), viz.GridOptions{})
	if err != nil {
		return err
	}
	b, err := viz.PNG(img)
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(name, b)
}

// Train trains a recipe on set and returns the best model of the run, by the loss of
// the validation items, or of the test items if there are none, or, without such a loss,
// the last one. The run's folder holds checkpoints, the log, pictures, a report, and what
// package keep saves of the training data, as those of the command line do, whose
// commands work on it.
//
// When ctx ends, the run is saved and the error says where; see train.ErrInterrupted.
func Train(ctx context.Context, set *data.Set, r Recipe, o Options) (*Trained, error) {
	models, err := registry(r)
	if err != nil {
		return nil, err
	}
	if set != nil && o.Validation != 0 {
		opt := data.Options{Validation: o.Validation}
		if err := opt.Validate(); err != nil {
			return nil, err
		}
		if set, err = data.Validation(set, opt); err != nil {
			return nil, err
		}
	}
	config, err := o.configure(set, r)
	if err != nil {
		return nil, err
	}
	if own := set.Item().Medium; !slices.Contains(models.Media.Names(), own.Name()) {
		models.Media.Register(medium.Kind{Name: own.Name(), Open: func(json.RawMessage) (medium.Medium, error) { return own, nil }})
	}
	m, err := config.Build(models)
	if err != nil {
		return nil, err
	}
	if o.Init != "" {
		if config.Init, err = train.NewInit(o.Init, o.Init, m); err != nil {
			return nil, err
		}
	}
	if err := train.Check(&config, m, set); err != nil {
		return nil, err
	}
	out := o.Out
	if out == "" {
		out = "runs"
	}
	be := cpu.New(o.Threads)
	need, err := train.NewMemory(m, min(config.Batch, set.Train.Len()), be)
	if err == nil {
		err = need.Check()
	}
	if err != nil {
		return nil, errors.Join(err, be.Close())
	}
	run, err := runlog.Create(out, o.Name, config)
	if err != nil {
		return nil, errors.Join(err, be.Close())
	}
	job := train.Job{Run: run, Model: m, Data: set, Backend: be}
	if o.Progress != nil {
		job.Observers = append(job.Observers, terminal.New(o.Progress, nil))
	}
	job.Observers = append(append(job.Observers, gallery.New(gallery.Options{})), o.Observers...)
	result, err := train.Loop(ctx, job)
	if err != nil {
		return nil, errors.Join(err, be.Close())
	}
	t, err := train.OpenModel(run.Dir, models, be)
	if err == nil && len(t.Warnings) == 0 { // else it is of another checkpoint than the best
		err = keep.After(ctx, run.Folder(), t.Session, set, keep.Progress{Items: result.Images, Steps: result.Steps})
	}
	if err != nil {
		return nil, errors.Join(err, be.Close())
	}
	return &Trained{Trained: t, Dir: run.Dir, close: be.Close}, nil
}

// Open opens a trained model: the folder of a run, of a checkpoint, a weights file, or a
// model that is in the program, as "zoo:cnn-vae". own are the recipes of the program's own
// kinds, without which a model of such a kind cannot be built.
func Open(path string, own ...Recipe) (*Trained, error) {
	be := cpu.New(0)
	t, err := OpenOn(be, path, own...)
	if err != nil {
		return nil, errors.Join(err, be.Close())
	}
	return &Trained{Trained: t, Dir: path, close: be.Close}, nil
}

// OpenOn opens a trained model, as Open does, on a device that the caller closes. A
// serve.Source is made of it:
//
//	err := library.Add(ctx, "digits", func(be backend.Backend) (*train.Trained, error) {
//		return imago.OpenOn(be, "runs/cnn-vae-digits-001")
//	})
func OpenOn(be backend.Backend, path string, own ...Recipe) (*train.Trained, error) {
	models, err := registry(own...)
	if err != nil {
		return nil, err
	}
	return train.OpenModel(path, models, be)
}

// registry returns the kinds of imago and those of recipes.
func registry(recipes ...Recipe) (*model.Registry, error) {
	models := &model.Registry{}
	catalog.Models(models)
	catalog.Zoo()
	for _, r := range recipes {
		if r.kind.Name == "" || r.config == nil {
			return nil, errors.New("imago: an empty recipe: want one of Own, Kind or Published")
		}
		if _, err := models.Kind(r.kind.Name); err != nil {
			models.Register(r.kind)
		}
		for _, k := range r.media {
			if !slices.Contains(models.Media.Names(), k.Name) {
				models.Media.Register(k)
			}
		}
	}
	return models, nil
}

// configure returns the configuration of a run.
func (o Options) configure(set *data.Set, r Recipe) (runlog.Config, error) {
	if o.Epochs < 0 || o.Batch < 0 || !(o.LR >= 0) || o.Threads < 0 {
		return runlog.Config{}, option.Errorf("imago: {Epochs} %d, {Batch} %d, {LR} %v, {Threads} %d: want 0, the usual, or more", o.Epochs, o.Batch, o.LR, o.Threads)
	}
	if set == nil {
		return runlog.Config{}, errors.New("imago: no data set")
	}
	if err := set.Validate(); err != nil {
		return runlog.Config{}, err
	}
	c, err := runlog.NewConfig(r.recipe, r.config, set, set.Name, data.Options{Validation: o.Validation})
	if err != nil {
		return c, err
	}
	if o.Epochs > 0 {
		c.Epochs, c.Steps, c.LogSteps = o.Epochs, 0, 0
	}
	if o.Batch > 0 {
		c.Batch = o.Batch
	}
	if o.LR > 0 {
		c.LR = o.LR
	}
	if o.Seed > 0 {
		c.Seed = o.Seed
	}
	if o.PicturesEvery != 0 {
		c.Pictures = o.PicturesEvery
	}
	if o.Schedule != "" {
		c.Schedule = o.Schedule
	}
	c.Patience, c.Shift = o.Patience, o.Shift
	c.Flip, c.Optimizer = o.Flip, o.Optimizer
	return c, train.Validate(&c)
}

// LimitMemory sets the most memory in bytes that the program may use for what files and
// configurations ask for: data, models and their training. What needs more fails, before
// it is allocated, with an error that says what it is. 0 is 80 % of the memory that is
// available, which is the limit without a call. It also makes Go's garbage collector keep
// to the limit.
func LimitMemory(bytes int64) { memory.SetLimit(bytes) }

// Images returns a data set of images in memory, each of h·w·c bytes, row by row with
// the channels of a pixel together: c is 1 for grey images, 3 for red, green and blue,
// and may be up to 64. A tenth of them, chosen by their place, is held out as the test part. The
// error names the first image of another length.
func Images(name string, images [][]byte, h, w, c int) (*data.Set, error) {
	size := h * w * c
	if h < 1 || w < 1 || c < 1 || len(images) == 0 {
		return nil, fmt.Errorf("imago: %s: %d images of %dx%dx%d: want at least one of each", name, len(images), h, w, c)
	}
	all := make([]byte, 0, len(images)*size)
	for i, img := range images {
		if len(img) != size {
			return nil, fmt.Errorf("imago: %s: image %d has %d bytes, want %d·%d·%d = %d", name, i, len(img), h, w, c, size)
		}
		all = append(all, img...)
	}
	items, err := data.NewInMemory(all, len(images), pixels.Item(h, w, c))
	if err != nil {
		return nil, err
	}
	digest := sha256.New()
	binary.Write(digest, binary.LittleEndian, []int64{int64(h), int64(w), int64(c)}) // a hash takes all
	digest.Write(all)
	set := &data.Set{Name: name, Train: data.Split{Items: items}, Digest: fmt.Sprintf("%x", digest.Sum(nil))}
	if len(images) > 1 {
		if err := data.Divide(set, data.Options{}); err != nil {
			return nil, err
		}
	}
	return set, nil
}

// Data opens a data set as the command line does: one known by name, such as "digits",
// or the path of a folder or zip of pictures, a table or an array file.
func Data(ctx context.Context, nameOrPath string, o data.Options) (*data.Set, error) {
	var sets data.Registry
	catalog.Data(&sets)
	return sets.Open(ctx, nameOrPath, o)
}
