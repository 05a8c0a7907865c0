// Package runlog reads and writes the folder of a training run: its configuration,
// its log and the places of its files. It trains nothing, so whoever shows runs, such
// as a page that follows one in training, needs no more than this package.
//
// A run is a folder:
//
//	run.json        Config
//	metrics.jsonl   a Line every hundred steps, every epoch and every interval of Config.LogSteps
//	events/         the same for TensorBoard: train/, test/ and validation/ have the numbers of each part
//	checkpoints/    package ckpt: the last few and the best
//	images/         pictures: each as it is now and, with -epoch-NNNN or -step-NNNNNN, as it was then
//	images/frames/  a small picture after each epoch, from which the animation is made
//	report.html     all of it on one page
//	processes.json  Process: when, where and by which commands it was trained
//	live/           while it is trained and somebody watches: the weights as they are, by package live
//
// Create makes the folder of a new run, Open opens one, and ReadLog reads its log,
// also while another process trains it:
//
//	run, err := runlog.Open("runs/mlp-vae-mnist-001", "")
//	lines, err := runlog.ReadLog(run.Dir)
//	for _, l := range runlog.Epochs(lines) {
//		fmt.Println(l.Epoch, l.Test["test_loss"])
//	}
//
// Promises. A run's folder is deleted by Run.Remove alone, and no run is written over another. What
// run.json and metrics.jsonl call their fields never changes, so old runs can be read.
// One process at a time trains a run: it holds Lock. No link in the folder leads out of it.
//
// The package knows no concrete model, no data set and no training loop.
package runlog

import (
	"path/filepath"

	"github.com/imago-ml/imago/internal/disk"
)

// The files and folders of a run.
const (
	ConfigFile     = "run.json"
	MetricsFile    = "metrics.jsonl"
	ReportFile     = "report.html"
	CheckpointsDir = "checkpoints"
	ImagesDir      = "images"
	FramesDir      = "images/frames" // of the animation, one an epoch
	EventsDir      = "events"        // for TensorBoard
)

// A Run is a run's folder and its configuration.
type Run struct {
	Dir    string
	Config Config

	folder  *disk.Folder // that of Dir, on another system in tests
	changed bool         // run.json is not as it was written
	unsaved bool         // Config is newer than run.json
}

// Folder returns the folder of the run, out of which no name and no link leads: all files of a run are read and written
// by it.
func (r *Run) Folder() disk.Folder {
	if r.folder != nil {
		return *r.folder
	}
	return disk.At(r.Dir)
}

// Checkpoints returns the folder of the checkpoints, for package ckpt.
func (r *Run) Checkpoints() disk.Folder { return r.Folder().Sub(CheckpointsDir) }

// Path returns the path of a file or folder of the run.
func (r *Run) Path(name string) string { return filepath.Join(r.Dir, filepath.FromSlash(name)) }
