// Command make makes the models of package zoo: it trains each from its seed on data that imago draws, and writes what
// package zoo embeds.
//
//	go run ./internal/zoo/make           # all of them, into internal/zoo
//	go run ./internal/zoo/make cnn-vae   # one
//
// It promises the same bytes each time under the conditions by which a run gives the same bits (docs/training.md, "Which
// bits"): one version of imago and Go, one kind of arithmetic. It must not be needed to build imago.
package main

import (
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"time"

	"github.com/imago-ml/imago/internal/atomicfile"
)

func main() {
	out := flag.String("out", filepath.Join("internal", "zoo"), "`folder` to write to")
	work := flag.String("work", "", "`folder` to train in, which is kept; a complete run that is there already is taken as it is")
	threads := flag.Int("threads", 0, "`number` of threads, which changes no bit; 0 means one for each processor")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := makeAll(ctx, *out, *work, *threads, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "make:", err)
		os.Exit(1)
	}
}

// makeAll makes the models of those names, or all if there are none.
func makeAll(ctx context.Context, out, work string, threads int, names []string) error {
	if work == "" {
		var err error
		if work, err = os.MkdirTemp("", "imago-zoo-"); err != nil {
			return err
		}
		defer os.RemoveAll(work)
	}
	made := 0
	for _, r := range recipes() {
		if len(names) > 0 && !slices.Contains(names, r.name) {
			continue
		}
		start := time.Now()
		run, err := r.train(ctx, work, threads, 0)
		if err == nil {
			err = r.pack(ctx, run, filepath.Join(work, r.name+"-packed"), filepath.Join(out, r.name+".zip"))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		fmt.Printf("%s: %.0f s\n", r.name, time.Since(start).Seconds())
		made++
	}
	if made < len(names) {
		return fmt.Errorf("%q: not all of them are among the models that it makes", names)
	}
	return writeHashes(out)
}

// writeHashes writes hashes.txt, as sha256sum does, of the files in a folder.
func writeHashes(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.zip"))
	if err != nil {
		return err
	}
	var text []byte
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		text = fmt.Appendf(text, "%x  %s\n", sha256.Sum256(b), filepath.Base(name))
	}
	return atomicfile.WriteBytes(filepath.Join(dir, "hashes.txt"), text)
}
