// Package train trains models: the loop, its phases, the feed of batches, checkpoints,
// and Observers that follow a run.
//
// Make a run with package runlog, build its model, and give both to Loop:
//
//	config, err := runlog.NewConfig(recipe, options, set, "digits", data.Options{})
//	run, err := runlog.Create("runs", "", config)
//	m, err := config.Build(&models)
//	result, err := train.Loop(ctx, train.Job{Run: run, Model: m, Data: set, Backend: cpu.New(0),
//		Observers: []train.Observer{terminal.New(os.Stdout, nil), gallery.New(gallery.Options{})}})
//	trained, err := train.OpenModel(run.Dir, &models, backend)
//	image, err := trained.Decode(ctx, []float32{0, 0})
//
// Promises. A run that is killed at any moment and resumed ends with the same weights,
// bit for bit, and the same log but for times and speeds, as one that was not
// interrupted: the key of every random draw is made of the seed and a count, and a
// checkpoint holds the counts, the place in the epoch and the sums that become the
// means of the log. Every epoch uses every image once. Values that are not finite are
// never saved.
//
// A model with several phases is trained phase by phase over one state. Each phase has
// its own step, metrics, count of epochs for schedules and warm-ups, and an Init that
// runs once. test_loss is what the last phase minimises, and is measured in that phase
// alone.
//
// The best checkpoint is where the loss of the validation part is lowest, and early
// stopping (Config.Patience) and the schedule plateau go by it; without a validation part
// by test_loss. A model without such a loss, such as a GAN, is compared by the first metric of
// Config.Measure, or, if nothing is measured, has its best checkpoint at the last one.
//
// What goes wrong in a run is found by model.Model.Diagnostics, from the history that
// this package records. Pictures and the lines of the terminal are Observers, in
// packages gallery and terminal.
//
// The package knows no concrete model and none of its options, no data set and no
// device.
package train

import (
	"context"

	"github.com/imago-ml/imago/analysis/eval/feature"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train/runlog"
)

// B images, H×W×C pixels, K labels, L labelled images of a semi-supervised step, in
// every comment of this package.

// A Job is what Loop needs: a run, and what its configuration names.
type Job struct {
	Run       *runlog.Run
	Model     *model.Model // Run.Config.Build
	Data      *data.Set    // opened as Run.Config.Data says
	Backend   backend.Backend
	Observers []Observer // called in this order
	Command   []string   // the words of the command line that trains, for the report; may be nil

	// FeatureNet returns the feature network of Data, or of Data.Channels. It is called
	// when a metric of Config.Measure needs the network; nil = there is none.
	FeatureNet func(ctx context.Context, set *data.Set) (*feature.Net, error)
}

// A Result is how a run ended.
type Result struct {
	Epochs     int         // done in all
	Steps      int64       // in all
	Images     int64       // trained on in all
	Last       runlog.Line // of the last epoch
	Seconds    float64     // of training, evaluation, saving and observers, in this process
	Checkpoint string      // folder of the last checkpoint
	Best       string      // folder of the best one, by the loss of the validation or test part, or what is measured; the last one if by nothing
	Report     string      // report.html; "" if no observer wrote it
}
