// Package train trains models: the loop, the folder of a run, its log and its
// pictures.
//
// A run is a folder:
//
//	run.json        runlog.Config
//	metrics.jsonl   a Line every hundred steps, every epoch and every interval of Config.LogSteps
//	events/         the same for TensorBoard
//	checkpoints/    package ckpt: the last few and the best
//	images/         pictures, each as it is now and, with -epoch-NNNN or -step-NNNNNN, as it was
//	images/frames/  a small picture after each epoch, of which the animation is made
//	report.html     all of it on one page
//
// Promises. A run that is killed at any moment and resumed ends with the same
// weights, bit for bit, and the same log but for times and speeds, as one that was
// left alone: all that is drawn has a key made of the seed and a count, and a
// checkpoint holds the counts, the place in the epoch and the sums under way. Every
// epoch uses every image once. Nothing that is not finite is saved. A run's folder
// is never deleted and no run is written over another.
//
// A model.Staged is trained stage by stage over one state: each has its own steps,
// metrics, count of epochs for schedules and warm-ups, and a Begin that is run once.
// test_loss is what the last stage minimises, and is measured in that one alone. A
// model without one, an adversarial one, is best where the first metric of
// Config.Measure is, or, if nothing is measured, at the last checkpoint. What goes
// wrong in a run is noticed by the table in diagnose.go, in a contest of two networks by
// that in contests.go.
//
// The package knows no concrete model, data set or device.
package train

import (
	"context"

	"github.com/imago-ml/imago/analysis/eval/feature"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train/runlog"
)

// A Job is what Loop needs: a run, and what its configuration names.
type Job struct {
	Run      *runlog.Run
	Model    *model.Model // Run.Config.Build
	Data     *data.Set    // opened as Run.Config.Data says
	Backend  backend.Backend
	Reporter *Reporter // nil = silent

	// Net is asked for the feature net of Data, or of Data.Channels, when a metric of
	// Config.Measure needs it; nil = there is none.
	Net func(ctx context.Context, of *data.Set) (*feature.Net, error)
}

// A Result is how a run ended.
type Result struct {
	Epochs     int         // done in all
	Steps      int64       // in all
	Images     int64       // trained on in all
	Last       runlog.Line // of the last epoch
	Seconds    float64     // of training, evaluation, saving and pictures, in this process
	Checkpoint string      // folder of the last checkpoint
	Best       string      // folder of the best one, by test_loss or what is measured; the last one if by nothing
	Report     string      // report.html; "" if no pictures were asked for
}
