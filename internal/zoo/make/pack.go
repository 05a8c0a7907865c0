package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/imago-ml/imago"
	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/internal/zoo"
	"github.com/imago-ml/imago/train/ckpt"
	"github.com/imago-ml/imago/train/keep"
	"github.com/imago-ml/imago/train/runlog"
)

// version stands where a run has the version of the program, which no bit of the model depends on.
const version = "zoo"

// pack writes the zip file of a model out of the run that trained it. packed is the folder of the run that it makes for
// that, which must not be there.
func (r recipe) pack(ctx context.Context, trained *runlog.Run, packed, out string) error {
	best, err := ckpt.Best(trained.Checkpoints())
	if err != nil {
		return err
	}
	c, err := ckpt.LoadWeights(trained.Checkpoints(), best.Name)
	if err != nil {
		return err
	}
	for _, w := range c.Weights {
		roundAll(w)
	}
	config := trained.Config
	config.Imago, config.Data.Size = version, r.size
	c.State.Imago, c.State.Extra, c.Optimizer = version, nil, map[string]*tensor.Tensor{}
	if c.State.Config, err = config.Encode(""); err != nil {
		return err
	}
	run, err := runlog.Create(filepath.Dir(packed), filepath.Base(packed), config)
	if err != nil {
		return err
	}
	if _, err := ckpt.Save(run.Checkpoints(), c); err != nil {
		return err
	}
	lines, err := trained.Lines()
	if err != nil {
		return err
	}
	if err := writeLog(run, runlog.Epochs(lines)); err != nil {
		return err
	}
	if err := r.measure(ctx, run.Dir, lines[len(lines)-1]); err != nil {
		return err
	}
	return writeZip(run.Dir, out)
}

// roundAll rounds the values of a tensor to 11 significant bits.
func roundAll(t *tensor.Tensor) {
	for i, v := range t.F32() {
		t.F32()[i] = round11(v)
	}
}

// round11 returns the number of 11 significant bits, as float16 has, that is nearest to v; of two, the even one.
func round11(v float32) float32 {
	b := math.Float32bits(v)
	b += 1<<12 - 1 + b>>13&1
	return math.Float32frombits(b &^ (1<<13 - 1))
}

// writeLog writes the log of a run, without what depends on the speed of the machine.
func writeLog(run *runlog.Run, lines []runlog.Line) error {
	log, _, err := atomicfile.OpenJSONL(run.Folder(), runlog.MetricsFile, nil)
	if err != nil {
		return err
	}
	defer log.Close()
	for _, l := range lines {
		l.ImagesPerSec, l.Waited, l.Seconds = 0, 0, 0
		if err := log.Append(l); err != nil {
			return err
		}
	}
	return log.Sync()
}

// measure saves with a run what training saves at its end, and the metrics of the rounded weights.
func (r recipe) measure(ctx context.Context, dir string, last runlog.Line) error {
	t, err := imago.Open(dir)
	if err != nil {
		return err
	}
	defer t.Close()
	set, err := imago.Data(ctx, r.data, data.Options{Size: r.size})
	if err != nil {
		return err
	}
	if err := keep.After(ctx, disk.At(dir), t.Session, set, keep.Progress{Items: last.Images, Steps: last.Step}); err != nil {
		return err
	}
	e, err := eval.New(t.Session)
	if err != nil {
		return err
	}
	scores, _, err := e.Measure(ctx, eval.Task{Protocol: eval.DefaultProtocol(), Set: set, Seed: 1, Only: r.metrics})
	if err != nil {
		return err
	}
	of := eval.Provenance{Recipe: r.recipe, Checkpoint: zoo.Scheme + r.name, Step: t.Step, Data: set.Name, DataDigest: set.Digest, Seed: 1, Imago: version}
	if of.Weights, err = t.Fingerprint(); err != nil {
		return err
	}
	records := scores.Records(of)
	for i := range records {
		records[i].Seconds, records[i].Measured = 0, time.Time{}
		fmt.Printf("%s: %s %.4f\n", r.name, records[i].Name, records[i].Value)
	}
	return eval.WriteRecords(filepath.Join(dir, eval.RecordsFile), records)
}

// writeZip writes the files of a folder to a zip file, in the order of their names and without their times.
func writeZip(dir, out string) error {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	w.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == runlog.LockFile {
			return err
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		f, err := w.CreateHeader(&zip.FileHeader{Name: filepath.ToSlash(rel), Method: zip.Deflate})
		if err == nil {
			_, err = f.Write(content)
		}
		return err
	})
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(out, b.Bytes())
}
