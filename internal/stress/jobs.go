package main

import (
	"encoding/csv"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
)

// side is the number of rows and columns of the pictures that are made.
const side = 16

// A job is a training: a recipe, a data set of the workplace or a built-in one, and flags.
type job struct {
	recipe string
	data   string
	flags  []string
}

// jobs are the trainings that the soak chooses from. Each takes seconds.
var jobs = []job{
	{"mlp-vae", "photos", []string{"--epochs", "12", "--hidden", "48", "--flip"}},
	{"mlp-vae", "rows.csv", []string{"--epochs", "20", "--hidden", "32", "--latent", "3"}},
	{"mlp-vae", "digits", []string{"--limit", "400", "--epochs", "5", "--hidden", "32", "--schedule", "cosine"}},
	{"mlp-vae", "photos", []string{"--epochs", "12", "--hidden", "16", "--validation", "0.2", "--patience", "3"}},
	{"mlp-ae", "rows.csv", []string{"--epochs", "20", "--hidden", "32"}},
	{"cnn-vae", "photos", []string{"--epochs", "6", "--filters", "4,8"}},
	{"mlp-cvae", "photos", []string{"--epochs", "10", "--hidden", "32"}},
	{"iwae", "photos", []string{"--epochs", "4", "--hidden", "16"}},
	{"factor-vae", "photos", []string{"--epochs", "4", "--filters", "4,8"}},
	{"aae", "photos", []string{"--epochs", "8"}},
	{"vade", "photos", []string{"--epochs", "14", "--hidden", "32"}},
	{"dense-gan", "photos", []string{"--epochs", "12", "--hidden", "32"}},
	{"dense-gan", "photos", []string{"--steps", "80", "--log-steps", "20", "--hidden", "32"}},
	{"dense-gan", "digits", []string{"--limit", "300", "--epochs", "6", "--hidden", "32", "--ema", "0.9"}},
	{"dcgan", "photos", []string{"--epochs", "3"}},
	{"vq-vae", "photos", []string{"--epochs", "12", "--width", "8", "--blocks", "1"}},
	{"wae-mmd", "photos", []string{"--epochs", "5"}},
	{"cvae", "photos", []string{"--epochs", "3"}},
	{"ladder-vae", "photos", []string{"--epochs", "3"}},
	{"m2", "photos", []string{"--epochs", "5", "--labelled", "40", "--labelled-batch", "20"}},
	{"vae-gan", "photos", []string{"--epochs", "2"}},
	{"cgan", "photos", []string{"--epochs", "2"}},
	{"infogan", "photos", []string{"--epochs", "1"}},
	{"resnet-gan", "photos", []string{"--epochs", "1"}},
}

// randomJob returns a job with a seed and intervals by chance.
func randomJob(r *rand.Rand) job {
	j := jobs[r.IntN(len(jobs))]
	j.flags = append([]string{
		"--seed", strconv.Itoa(r.IntN(1000)), "--batch", strconv.Itoa(8 << r.IntN(3)), "--checkpoint-every", "0",
		"--checkpoint-steps", strconv.Itoa(r.IntN(9)), "--keep", strconv.Itoa(1 + r.IntN(3)),
		"--pictures-every", strconv.Itoa(r.IntN(4) - 1)}, j.flags...)
	return j
}

// runName is the name of the run of a job; its folder is in runs.
const runName = "x"

// train returns the arguments that train the job, or go on with its run if there is one.
func (j job) train(w *workplace, dir string, threads int) []string {
	t := strconv.Itoa(threads)
	if _, err := os.Stat(filepath.Join(dir, "runs", runName, "run.json")); err == nil {
		return []string{"train", "--resume", "runs/" + runName, "--threads", t}
	}
	data := j.data
	if _, err := os.Stat(w.path(data)); err == nil {
		data = w.path(data)
	}
	return append([]string{"train", j.recipe, "--data", data, "--name", runName, "--threads", t}, j.flags...)
}

// String returns the recipe, the set and the flags.
func (j job) String() string { return fmt.Sprint(j.recipe, " ", j.data, " ", j.flags) }

// makeData makes the data sets of the workplace: pictures of two classes and a table.
func makeData(w *workplace, r *rand.Rand) error {
	for i := range 90 {
		dir := w.path(filepath.Join("photos", []string{"disc", "frame"}[i%2]))
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return err
		}
		if err := writePNG(filepath.Join(dir, fmt.Sprintf("%03d.png", i)), drawShape(r, i%2 == 0)); err != nil {
			return err
		}
	}
	f, err := os.Create(w.path("rows.csv"))
	if err != nil {
		return err
	}
	defer f.Close()
	c := csv.NewWriter(f)
	c.Write([]string{"a", "b", "c", "d", "e", "label"})
	for range 200 {
		x, y, k := r.NormFloat64(), r.NormFloat64(), r.IntN(3)
		row := []string{}
		for _, v := range []float64{x, y, x + y + 0.1*r.NormFloat64(), float64(k) + x, x * y} {
			row = append(row, strconv.FormatFloat(v, 'f', 4, 64))
		}
		c.Write(append(row, "k"+strconv.Itoa(k)))
	}
	c.Flush()
	return c.Error()
}

// drawShape draws a disc or a frame of a random size and shade.
func drawShape(r *rand.Rand, disc bool) *image.Gray {
	m := image.NewGray(image.Rect(0, 0, side, side))
	size, shade := 3+r.Float64()*4, uint8(100+r.IntN(156))
	for y := range side {
		for x := range side {
			dx, dy := float64(x)-side/2+0.5, float64(y)-side/2+0.5
			inside := dx*dx+dy*dy < size*size
			if !disc {
				far := max(dx, -dx, dy, -dy)
				inside = far < size && far > size-2
			}
			if inside {
				m.SetGray(x, y, color.Gray{Y: shade})
			}
		}
	}
	return m
}

// writePNG writes a picture.
func writePNG(name string, m image.Image) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := png.Encode(f, m); err != nil {
		return err
	}
	return f.Close()
}
