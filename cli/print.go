package cli

import (
	"encoding/json"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/screen"
	"github.com/imago-ml/imago/viz"
)

// checkPNGName returns an error if name, the value of --out, cannot be written as a PNG file. A name without the suffix
// .png is refused: it may be a file of another kind that the user wants to keep.
func checkPNGName(name string) error { return checkFileName("out", name, ".png") }

// checkFolder returns an error if the folder of name, the value of --flag, does not exist. Commands call it before the
// work begins.
func checkFolder(flag, name string) error {
	dir := filepath.Dir(name)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return fmt.Errorf("--%s %q: there is no folder %s: make it first", flag, name, dir)
	}
	return nil
}

// checkFileName returns an error if name, the value of --flag, has none of the suffixes or its folder does not exist.
func checkFileName(flag, name string, suffixes ...string) error {
	if !slices.Contains(suffixes, strings.ToLower(filepath.Ext(name))) {
		return fmt.Errorf("--%s %q: want a name that ends in %s", flag, name, strings.Join(suffixes, " or "))
	}
	return checkFolder(flag, name)
}

// checkOptionalFile checks a name as checkFileName does, unless it is empty: the flag was not given.
func checkOptionalFile(flag, name string, suffixes ...string) error {
	if name == "" {
		return nil
	}
	return checkFileName(flag, name, suffixes...)
}

// printJSON prints v as indented JSON.
func (a *app) printJSON(v any) error {
	e := json.NewEncoder(screen.Data(a.out))
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// writePNG writes a picture to the file name and prints what it has written.
func (a *app) writePNG(name string, img image.Image, format string, args ...any) error {
	b, err := viz.PNG(img)
	if err != nil {
		return err
	}
	if err := atomicfile.WriteBytes(name, b); err != nil {
		return err
	}
	a.printWritten(name, format, args...)
	return nil
}

// printWritten prints the name of a new file and what it holds.
func (a *app) printWritten(name, format string, args ...any) {
	fmt.Fprintf(a.out, "wrote %s: %s\n", screen.Name(name), screen.Name(fmt.Sprintf(format, args...)))
}

// warn prints a warning.
func (a *app) warn(format string, args ...any) {
	fmt.Fprintf(a.err, "imago: warning: %s\n", oneLine(fmt.Sprintf(format, args...)))
}

// oneLine returns a message on one line: joined errors have a line each. A list, whose lines are indented, stays one.
func oneLine(text string) string {
	return strings.NewReplacer("\n  ", "\n  ", "\n", "; ").Replace(strings.TrimSpace(text))
}

// backend returns the device with so many threads. It warns if the machine has fewer processors.
func (a *app) backend(threads int) backend.Backend {
	if n := runtime.NumCPU(); threads > n {
		a.warn("--threads %d: this machine runs %d at a time; more threads are slower", threads, n)
	}
	return newBackend(threads)
}

// thousands formats n with a comma before every three digits: 134,165.
func thousands[T ~int | ~int64](n T) string {
	return english.Thousands(float64(n))
}

// kerasShape formats a shape whose first axis is the batch as Keras does: (None, 28, 28, 1).
func kerasShape(s tensor.Shape) string {
	if len(s) == 0 {
		return "()"
	}
	parts := []string{"None"}
	for _, n := range s[1:] {
		parts = append(parts, strconv.Itoa(n))
	}
	if len(parts) == 1 {
		return "(None,)"
	}
	return "(" + strings.Join(parts, ", ") + ")"
}
