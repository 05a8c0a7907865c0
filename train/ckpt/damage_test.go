package ckpt

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestEveryByte changes each byte of each file in turn, in three ways: Load says ErrDamaged (or, where the byte is the
// number of the format, ErrVersion), or gives back exactly what was saved (white space of state.json).
func TestEveryByte(t *testing.T) {
	parent := t.TempDir()
	in, want := Dir(parent), sample(t, 100)
	dir := saved(t, parent, want)
	for _, name := range []string{WeightsFile, OptimizerFile, StateFile} {
		path := filepath.Join(dir, name)
		whole := read(t, path)
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		put := func(i int, b byte) {
			if _, err := f.WriteAt([]byte{b}, int64(i)); err != nil {
				t.Fatal(err)
			}
		}
		refused := 0
		for i := range whole {
			for _, flip := range []byte{0x01, 0x20, 0x80} {
				put(i, whole[i]^flip)
				c, err := Load(in, Name(100))
				if err == nil {
					if !equal(c, want) {
						t.Fatalf("%s: byte %d with %#02x flipped: loaded something else", name, i, flip)
					}
					continue
				}
				refused++
				if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrVersion) || !strings.Contains(err.Error(), path) {
					t.Fatalf("%s: byte %d with %#02x flipped: %v", name, i, flip, err)
				}
			}
			put(i, whole[i])
		}
		if refused < 2*len(whole) {
			t.Errorf("%s: only %d of %d changes were refused", name, refused, 3*len(whole))
		}
		for n := len(whole) - 1; n >= 0; n-- {
			if err := f.Truncate(int64(n)); err != nil {
				t.Fatal(err)
			}
			if c, err := Load(in, Name(100)); !errors.Is(err, ErrDamaged) && !(err == nil && equal(c, want)) {
				t.Fatalf("%s cut to %d of %d bytes: %v", name, n, len(whole), err)
			}
		}
		if _, err := f.WriteAt([]byte(whole), 0); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLoadErrors(t *testing.T) {
	write := func(file, text string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	missing := func(file string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, file)); err != nil {
				t.Fatal(err)
			}
		}
	}
	const out = "; use the previous checkpoint: Checkpoint DIR/step-00000100"
	for _, tt := range []struct {
		name  string
		spoil func(t *testing.T, dir string)
		want  string
		err   error
	}{
		{"no weights", missing(WeightsFile), "ckpt: DIR/step-00000200/weights.safetensors: the checkpoint is damaged, or is none: there is no such file" + out, ErrDamaged},
		{"no optimizer", missing(OptimizerFile), "ckpt: DIR/step-00000200/optimizer.safetensors: the checkpoint is damaged, or is none: there is no such file" + out, ErrDamaged},
		{"no state", missing(StateFile), "ckpt: DIR/step-00000200/state.json: the checkpoint is damaged, or is none: there is no such file" + out, ErrDamaged},
		{"a huge header", write(WeightsFile, "\xff\xff\xff\xff\xff\xff\xff\x7f{}"), "ckpt: DIR/step-00000200/weights.safetensors: the checkpoint is damaged: 10 bytes, want 400" + out, ErrDamaged},
		{"a state cut short", write(StateFile, `{"format": 1`), "ckpt: DIR/step-00000200/state.json: the checkpoint is damaged: not the JSON that was saved: it ends after 12 bytes" + out, ErrDamaged},
		{"an empty state", write(StateFile, ""), "ckpt: DIR/step-00000200/state.json: the checkpoint is damaged: not the JSON that was saved: it ends after 0 bytes" + out, ErrDamaged},
		{"a state with more after it", write(StateFile, `{"format":1} x`), `ckpt: DIR/step-00000200/state.json: the checkpoint is damaged: not the JSON that was saved: offset 12: "x" after the end` + out, ErrDamaged},
		{"no content", write(StateFile, `{"format":1}`), "ckpt: DIR/step-00000200/state.json: the checkpoint is damaged: content: unexpected end of JSON input" + out, ErrDamaged},
		{"a state of another sum", write(StateFile, `{"format":1,"content":{},"sha256":"beef"}`), "ckpt: DIR/step-00000200/state.json: the checkpoint is damaged: the SHA-256 of its content is 44136fa355b3…, want beef…" + out, ErrDamaged},
		{"a state of nothing", write(StateFile, `{"format":1,"content":{},"sha256":"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}`), "ckpt: DIR/step-00000200/state.json: the checkpoint is damaged: content: the state names no recipe" + out, ErrDamaged},
		{"a state without files", write(StateFile, `{"format":1,"content":{"state":{"recipe":"r","config":{}}},"sha256":"2333e0c6a03c1548d51510663a35b64f4d295265862bcaaec45bdb77691d2895"}`), "ckpt: DIR/step-00000200/state.json: the checkpoint is damaged: content: want the sums of weights.safetensors and optimizer.safetensors and no more" + out, ErrDamaged},
		{"a later format", write(StateFile, `{"format": 2, "kept": {}}`), "ckpt: DIR/step-00000200/state.json: the checkpoint is of another version: format 2, this imago reads 1; use the imago that saved it, or train again", ErrVersion},
		{"a state without end", write(StateFile, strings.Repeat(" ", maxState+1)), "ckpt: DIR/step-00000200/state.json: the checkpoint is damaged: longer than 16777216 bytes" + out, ErrDamaged},
	} {
		t.Run(tt.name, func(t *testing.T) {
			parent := t.TempDir()
			in := Dir(parent)
			saved(t, parent, sample(t, 100))
			tt.spoil(t, saved(t, parent, sample(t, 200)))
			_, err := Load(in, Name(200))
			if want := strings.ReplaceAll(tt.want, "DIR", parent); !errors.Is(err, tt.err) || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			f, err := Latest(in)
			if err != nil || f.State.Step != 100 || len(f.Skipped) != 1 || !errors.Is(f.Skipped[0].Err, tt.err) {
				t.Errorf("latest: %+v, %v; want step 100, one passed over", f, err)
			}
		})
	}
	in := Dir(t.TempDir())
	if _, err := Load(in, Name(7)); !errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrDamaged) {
		t.Errorf("no folder: %v", err)
	}
	missing(WeightsFile)(t, saved(t, in.String(), sample(t, 7)))
	if _, err := Load(in, Name(7)); err == nil || !strings.HasSuffix(err.Error(), "; there is none before it: train again") {
		t.Errorf("the first one damaged: %v", err)
	}
}

func FuzzState(f *testing.F) {
	dir := saved(f, f.TempDir(), sample(f, 100))
	f.Add([]byte(read(f, filepath.Join(dir, StateFile))))
	for _, seed := range []string{
		"", "{}", `{"format":1}`, `{"format":2,"x":[]}`, `{"format":1,"content":{},"sha256":"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}`,
		`{"format":1,"content":{"state":{"config":}}}`, strings.Repeat("[", 20_000),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(checkState)
}

// checkState checks that b is refused as damaged or of another version, or is read, written and read again the same.
func checkState(t *testing.T, b []byte) {
	c, err := decodeState(b)
	if err != nil {
		if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrVersion) {
			t.Errorf("a bad state gave %v", err)
		}
		return
	}
	if c.State.Config != nil && !json.Valid(c.State.Config) {
		t.Errorf("the config is not JSON: %q", c.State.Config)
	}
	out, err := c.encode()
	if err != nil {
		t.Fatalf("what was read cannot be written: %v", err)
	}
	again, err := decodeState(out)
	if err != nil || !reflect.DeepEqual(again, c) {
		t.Errorf("%+v became %+v, %v", c, again, err)
	}
}
