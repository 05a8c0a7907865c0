// Package zoo has the models that imago brings along, trained, in the program itself: each is the folder of a run, as
// package train/runlog describes it, that can only be read.
//
//	files, err := zoo.Open("cnn-vae")
//	config, err := fs.ReadFile(files, "run.json")
//
// A model NAME is the path zoo:NAME (Scheme) wherever imago takes the path of a run: internal/catalog mounts the zoo in
// package internal/disk. The files NAME.zip are made by
//
//	go run ./internal/zoo/make
//
// out of seeds and data that imago draws, and TestHashes compares their SHA-256 with hashes.txt. They hold run.json,
// metrics.jsonl without times, units.json, detector.json, eval.json and a checkpoint whose weights are rounded to the 11
// significant bits of float16, so that they take 60 % of their size; the optimiser's state is left out, so that a model
// cannot be trained further, but another one begun from it.
//
// The package knows names and bytes; it must not know models, nor what the files say.
package zoo

import (
	"archive/zip"
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"strings"
	"sync"
)

// Scheme begins the path of each model.
const Scheme = "zoo:"

//go:embed *.zip
var stored embed.FS

// A Model is what a list says of a model.
type Model struct {
	Name  string
	About string
}

// Path returns the path by which commands take the model.
func (m Model) Path() string { return Scheme + m.Name }

// Models returns all models.
func Models() []Model {
	return []Model{
		{"cnn-vae", "convolutional VAE with 2 latent units: a plane of digits"},
		{"cvae", "conditional VAE: a digit of your choice, in a style that is drawn"},
		{"infogan", "InfoGAN: ten classes of digits that it found without labels, and two codes of their style"},
		{"face-vae", "VAE of cartoon faces with 25 attributes to edit by, as Eyeglasses"},
		{"ae", "small autoencoder with 2 latent units, beside the following: there are holes between its codes"},
		{"beta-0.1", "small VAE of β = 0.1: sharp pictures, and codes far apart"},
		{"beta-1", "small VAE of β = 1: the evidence lower bound"},
		{"beta-4", "small VAE of β = 4: codes nearer to the prior, and pictures less sharp"},
		{"beta-16", "small VAE of β = 16: its codes say little about their pictures"},
		{"beta-64", "small VAE of β = 64: it has collapsed, each picture decodes to the mean"},
	}
}

// Names returns the names of all models, which follow Scheme.
func Names() []string {
	var names []string
	for _, m := range Models() {
		names = append(names, m.Name)
	}
	return names
}

var (
	openLock sync.Mutex
	opened   = map[string]*zip.Reader{}
)

// Open returns the files of a model. The error of an unknown name is fs.ErrNotExist, and lists the known ones.
func Open(name string) (fs.FS, error) {
	openLock.Lock()
	defer openLock.Unlock()
	if r := opened[name]; r != nil {
		return r, nil
	}
	b, err := stored.ReadFile(name + ".zip")
	if err != nil {
		return nil, unknown{}
	}
	r, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, fmt.Errorf("zoo: %s: %w", name, err)
	}
	opened[name] = r
	return r, nil
}

// unknown is the error of a name that no model has.
type unknown struct{}

// Error lists the models.
func (unknown) Error() string {
	var paths []string
	for _, m := range Models() {
		paths = append(paths, m.Path())
	}
	return "imago brings along " + strings.Join(paths, ", ")
}

// Is says that it is fs.ErrNotExist.
func (unknown) Is(target error) bool { return target == fs.ErrNotExist }

// Size returns the bytes that a model takes in the program.
func Size(name string) int64 {
	b, _ := stored.ReadFile(name + ".zip")
	return int64(len(b))
}
