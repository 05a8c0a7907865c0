package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// TestResult checks that two runs that differ in what depends on the clock are equal, and that others are not.
func TestResult(t *testing.T) {
	results := []result{}
	for _, log := range []string{
		`{"step":1,"train":{"loss":2},"seconds":3,"crc32c":"a"}` + "\n" + `{"step":2}`,
		`{"step":1,"train":{"loss":2},"seconds":4,"crc32c":"b"}` + "\n" + `{"step":2,"waited_s":1}`,
		`{"step":1,"train":{"loss":3},"seconds":3,"crc32c":"a"}` + "\n" + `{"step":2}`,
	} {
		dir := t.TempDir()
		newest := filepath.Join(dir, "checkpoints", "step-00000002")
		if err := os.MkdirAll(newest, 0o777); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"weights.safetensors", "optimizer.safetensors", "state.json"} {
			if err := os.WriteFile(filepath.Join(newest, name), []byte(log[:9]), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, "metrics.jsonl"), []byte(log), 0o666); err != nil {
			t.Fatal(err)
		}
		r, err := resultOf(dir)
		if err != nil || len(r) != 4 {
			t.Fatal(r, err)
		}
		results = append(results, r)
	}
	if d := differences(results[0], results[1]); len(d) > 0 {
		t.Errorf("the clock makes %v differ", d)
	}
	if d := differences(results[0], results[2]); len(d) != 1 || d[0] != "metrics.jsonl" {
		t.Errorf("another loss makes %v differ, want metrics.jsonl", d)
	}
}

// TestDamage checks that damage changes what it says it does.
func TestDamage(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		dir := t.TempDir()
		name := filepath.Join(dir, "run.json")
		if err := os.WriteFile(name, []byte("whole"), 0o666); err != nil {
			t.Fatal(err)
		}
		what, err := damage(dir, r)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(name); err != nil || string(b) == "whole" {
			t.Errorf("%s: %q, %v", what, b, err)
		}
	}
}
