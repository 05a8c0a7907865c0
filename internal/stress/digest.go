package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// clocked are the fields of JSON files that depend on the clock, and checksums that do so by them.
var clocked = []string{"images_per_s", "waited_s", "seconds", "measured", "crc32c", "sha256"}

// A result is what a run has come to: the SHA-256 of its files, by name, as far as equal trainings give equal ones. The
// log and the scores are without what depends on the clock.
type result map[string]string

// resultOf reads a run. It has nothing in common with how imago reads one.
func resultOf(run string) (result, error) {
	r := result{}
	newest, err := newestCheckpoint(run)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"weights.safetensors", "optimizer.safetensors", "state.json"} {
		if err := r.add(run, filepath.Join("checkpoints", newest, name)); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{"metrics.jsonl", "units.json", "codes.safetensors", "detector.json"} {
		if err := r.add(run, name); err != nil && !os.IsNotExist(err) { // not every model has them all
			return nil, err
		}
	}
	return r, nil
}

// add adds a file, of a folder, to the result.
func (r result) add(dir, name string) error {
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	if strings.HasPrefix(filepath.Ext(name), ".json") && filepath.Base(name) != "state.json" {
		if b, err = withoutClock(b); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	r[name] = fmt.Sprintf("%x", sha256.Sum256(b))[:12]
	return nil
}

// withoutClock returns the JSON values of a file without what depends on the clock.
func withoutClock(b []byte) ([]byte, error) {
	var out bytes.Buffer
	for d := json.NewDecoder(bytes.NewReader(b)); d.More(); {
		var v any
		if err := d.Decode(&v); err != nil {
			return nil, err
		}
		b, err := json.Marshal(strip(v))
		if err != nil {
			return nil, err
		}
		out.Write(append(b, '\n'))
	}
	return out.Bytes(), nil
}

// strip removes the fields that depend on the clock, at any depth.
func strip(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range clocked {
			delete(v, name)
		}
		for _, e := range v {
			strip(e)
		}
	case []any:
		for _, e := range v {
			strip(e)
		}
	}
	return v
}

// checkpoints returns the names of the checkpoints of a run, the oldest first.
func checkpoints(run string) []string {
	names, _ := filepath.Glob(filepath.Join(run, "checkpoints", "step-*")) // the pattern is right
	names = slices.DeleteFunc(names, func(name string) bool { return strings.Contains(filepath.Base(name), ".") })
	for i := range names {
		names[i] = filepath.Base(names[i])
	}
	slices.Sort(names)
	return names
}

// newestCheckpoint returns the name of the newest checkpoint of a run.
func newestCheckpoint(run string) (string, error) {
	names := checkpoints(run)
	if len(names) == 0 {
		return "", fmt.Errorf("%s has no checkpoint", run)
	}
	return names[len(names)-1], nil
}

// differences returns the names of the files in which two results differ, in order.
func differences(a, b result) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.DeleteFunc(slices.Sorted(maps.Keys(all)), func(name string) bool { return a[name] == b[name] })
}
