//go:build unix

package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
)

// runPath is the run of an attack's folder, as imago is given it.
const runPath = "runs/" + runName

// attacks returns all attacks, by kind.
func attacks() []attack {
	return slices.Concat(links(), newerFormats(), hostileWeights(), bombs(), claims(), names(), devices(), longLogs(), configurations())
}

// links returns attacks by runs, data folders and archives that lead out of their folder.
func links() []attack {
	all := []attack{}
	commands := [][]string{
		{"train", "--resume", runPath, "--epochs", "4"},
		{"sample", runPath},
		{"eval", runPath, "--only", "mse"},
		{"fit-prior", runPath},
	}
	for _, name := range []string{"metrics.jsonl", "checkpoints", "images", "events", ".lock", "run.json", "units.json", "codes.safetensors", "processes.json"} {
		for _, args := range commands {
			a := attack{name: "link out for " + name + ": " + args[0], args: args, make: func(dir string) error { return moveOut(dir, name) }}
			// Reading needs the weights and the configuration alone. Training needs all but the pictures, without which it goes
			// on with a warning, and two files that it replaces.
			needed := []string{"checkpoints", "run.json"}
			a.say = `link that leads out|wrote|image`
			if args[0] == "train" {
				needed = append(needed, "metrics.jsonl", ".lock", "processes.json")
				a.say = `link that leads out|epoch 4/4`
			}
			a.passes = !slices.Contains(needed, name)
			all = append(all, a)
		}
	}
	newest := func(dir string) string {
		name, _ := newestCheckpoint(filepath.Join(dir, runPath)) // an empty name fails below
		return filepath.Join("checkpoints", name)
	}
	for _, file := range []string{"weights.safetensors", "state.json", "optimizer.safetensors"} {
		all = append(all, attack{name: "link out for " + file + " of a checkpoint: train", args: commands[0],
			make: func(dir string) error { return moveOut(dir, filepath.Join(newest(dir), file)) }, say: `link that leads out`, keeps: true})
	}
	return append(all,
		// A set may be of links: they are read, and nothing is written in it.
		attack{name: "photos that are links out: train", args: []string{"train", "mlp-vae", "--data", "in", "--dry-run"},
			make: func(string) error {
				return cmp.Or(os.Mkdir("in", 0o777), os.Symlink("../../outside/secret.png", "in/a.png"), os.Symlink("../../outside", "in/folder"))
			}, say: `a\.png: not a readable image`},
		attack{name: "an archive with .. in its names: train", args: []string{"train", "mlp-vae", "--data", "in.zip", "--dry-run"},
			make: func(string) error {
				return writeZip("in.zip", map[string][]byte{"../outside/secret.png": []byte("x"), "/etc/a.png": []byte("x"), "a/../../../outside/b.png": []byte("x")})
			}, say: `in\.zip`},
		attack{name: "an output that is a link out: sample", args: []string{"sample", runPath, "--out", "out.png"},
			make: func(string) error { return os.Symlink("../outside/secret.png", "out.png") }, say: `wrote out\.png`, passes: true},
	)
}

// newerFormats returns attacks by runs of a version of imago that is not made yet.
func newerFormats() []attack {
	all := []attack{}
	for _, file := range []string{"run.json", "state.json"} {
		for _, args := range [][]string{{"train", "--resume", runPath, "--epochs", "4"}, {"sample", runPath}, {"export", runPath, "--to", "onnx"}} {
			all = append(all, attack{name: "a newer format in " + file + ": " + args[0], args: args, keeps: true, say: `(?i)newer|format 99`,
				make: func(dir string) error {
					files, err := filepath.Glob(filepath.Join(dir, runPath, file))
					if file != "run.json" {
						files, err = filepath.Glob(filepath.Join(dir, runPath, "checkpoints", "*", file))
					}
					for _, f := range files {
						err = cmp.Or(err, replace(f, `"format": 1,`, `"format": 99,`))
					}
					return err
				}})
		}
	}
	return all
}

// hostileWeights returns attacks by small files of weights that ask for very much.
func hostileWeights() []attack {
	of := func(name, say string, recipe, option, value string, more ...string) attack {
		return attack{name: "weights: " + name, args: append([]string{"sample", "--weights", "in.safetensors"}, more...), say: say,
			make: func(string) error {
				config, err := configOf(recipe)
				if err != nil {
					return err
				}
				var c map[string]any
				if err := json.Unmarshal(config, &c); err != nil {
					return err
				}
				c["model"].(map[string]any)[option] = json.RawMessage(value)
				if config, err = json.Marshal(c); err != nil {
					return err
				}
				return writeSafetensors("in.safetensors", map[string]any{"__metadata__": map[string]string{"imago": "x", "recipe": recipe, "config": string(config), "step": "1"}})
			}}
	}
	return []attack{
		of("200,000 layers", `layers`, "mlp-vae", "hidden", "["+strings.Repeat("1,", 199_999)+"1]"),
		of("a layer of 2^40 units", `hidden`, "mlp-vae", "hidden", "[1099511627776]"),
		of("layers of 60,000 and 30,000", `values lack`, "mlp-vae", "hidden", "[60000,30000]"),
		of("a latent space of 2^31", `latent|memory`, "mlp-vae", "latent", "2147483648"),
		of("a GAN of many filters", `filters|memory`, "dcgan", "filters", "[100000,100000,100000]"),
		of("no number for a layer", `hidden|config`, "mlp-vae", "hidden", `"\u001b[2J"`),
		{name: "weights: a header of 2^63 bytes", args: []string{"sample", "--weights", "in.safetensors"}, say: `in\.safetensors`,
			make: func(string) error {
				return os.WriteFile("in.safetensors", append(bytes.Repeat([]byte{0xff}, 7), 0x7f, '{'), 0o666)
			}},
		{name: "weights: 200,000 tensors", args: []string{"import", "mlp-vae", "in.safetensors"}, say: `in\.safetensors|parameter|array`,
			make: func(string) error {
				h := map[string]any{}
				for i := range 200_000 {
					h[fmt.Sprint("t", i)] = map[string]any{"dtype": "F32", "shape": []int{0}, "data_offsets": []int{0, 0}}
				}
				return writeSafetensors("in.safetensors", h)
			}},
		{name: "weights: a tensor of 2^62 numbers", args: []string{"import", "mlp-vae", "in.safetensors"}, say: `in\.safetensors`,
			make: func(string) error {
				return writeSafetensors("in.safetensors", map[string]any{"a": map[string]any{"dtype": "F32", "shape": []uint64{1 << 31, 1 << 31}, "data_offsets": []uint64{0, 1 << 63}}})
			}},
		{name: "weights: 1,000,000 nested lists", args: []string{"import", "mlp-vae", "in.safetensors"}, say: `in\.safetensors`,
			make: func(string) error {
				b := []byte(strings.Repeat("[", 1_000_000))
				return os.WriteFile("in.safetensors", append(binary.LittleEndian.AppendUint64(nil, uint64(len(b))), b...), 0o666)
			}},
		{name: "weights: a pickle that calls a command", args: []string{"import", "mlp-vae", "in.pth"}, say: `in\.pth`,
			make: func(string) error {
				return writeZip("in.pth", map[string][]byte{"archive/data.pkl": []byte("\x80\x02cos\nsystem\nX\x1a\x00\x00\x00touch ../outside/executed.\x85R."), "archive/version": []byte("3\n")})
			}},
		{name: "weights: a pickle of 10,000,000 marks", args: []string{"import", "mlp-vae", "in.pth"}, say: `in\.pth`,
			make: func(string) error {
				return writeZip("in.pth", map[string][]byte{"archive/data.pkl": append([]byte("\x80\x02"), bytes.Repeat([]byte("("), 10_000_000)...), "archive/version": []byte("3\n")})
			}},
	}
}

// bombs returns attacks by small files that unpack to much.
func bombs() []attack {
	train := func(name string, more ...string) []string {
		return append([]string{"train", "mlp-vae", "--data", name, "--dry-run"}, more...)
	}
	idx := func(n, rows int) func(string) error {
		return func(string) error {
			head := []byte{0, 0, 8, 3}
			for _, d := range []int{n, rows, rows} {
				head = binary.BigEndian.AppendUint32(head, uint32(d))
			}
			return writeGzip("in-images-idx3-ubyte.gz", head, "a", int64(n)*int64(rows)*int64(rows))
		}
	}
	return []attack{
		{name: "bomb: IDX of 2 GB", args: train("in-images-idx3-ubyte.gz"), make: idx(2_000_000_000/784, 28), say: `memory|budget|MB`},
		{name: "bomb: IDX of 200,000,000 images of a pixel", args: train("in-images-idx3-ubyte.gz"), make: idx(200_000_000, 1), say: `memory|budget|MB`},
		{name: "bomb: NPZ of 4 GB", args: train("in.npz"), say: `more than the 2147483648 bytes`,
			make: func(string) error {
				head := "{'descr': '<f8', 'fortran_order': False, 'shape': (637755, 28, 28), }"
				return zipOfZeros("in.npz", "x_train.npy", append([]byte("\x93NUMPY\x01\x00"+string(rune(len(head)+1))+"\x00"), head+"\n"...), 4_000_000_000)
			}},
		{name: "bomb: PNG of 50,000 rows and columns", args: train("in"), say: `pixels|memory|MB`, make: func(string) error { return pngBomb("in", 1, 50_000) }},
		{name: "bomb: 64 PNG of 12,000 rows and columns", args: train("in"), say: `pixels|memory|MB`, make: func(string) error { return pngBomb("in", 64, 12_000) }},
		{name: "bomb: PNG, reconstruct", args: []string{"reconstruct", runPath, "in/000.png"}, say: `pixels|memory|MB`, make: func(string) error { return pngBomb("in", 1, 50_000) }},
		{name: "bomb: an archive of 500,000 files of nothing", args: train("in.zip"), say: `in\.zip`,
			make: func(string) error { return manyNames("in.zip", 500_000) }},
		{name: "bomb: a text of 2 GB in a line", args: []string{"train", "char-vae", "--data", "in.txt.gz", "--dry-run"}, say: `in\.txt\.gz`,
			make: func(string) error { return writeGzip("in.txt.gz", nil, "a", 2_000_000_000) }},
		{name: "bomb: a text of 400,000,000 empty lines", args: []string{"train", "char-vae", "--data", "in.txt.gz", "--dry-run"}, say: `in\.txt\.gz`,
			make: func(string) error { return writeGzip("in.txt.gz", nil, "\n", 400_000_000) }},
		{name: "bomb: a text of 60,000,000 words", args: []string{"train", "char-vae", "--data", "in.txt.gz", "--tokens", "words", "--dry-run"}, say: `memory|budget|MB`,
			make: func(string) error { return writeGzip("in.txt.gz", nil, "a b c\n", 20_000_000) }},
		{name: "bomb: a table with a field of 1 GB", args: train("in.csv.gz"), say: `in\.csv`,
			make: func(string) error { return writeGzip("in.csv.gz", []byte("a,b\n1,"), "a", 1_000_000_000) }},
		{name: "bomb: a table of 1,000,000 columns", args: train("in.csv"), say: `in\.csv|column`,
			make: func(string) error {
				line := strings.Repeat("1,", 999_999) + "1\n"
				return os.WriteFile("in.csv", []byte(line+line+line), 0o666)
			}},
		{name: "bomb: JSON lines, 1,000,000 nested lists", args: []string{"train", "char-vae", "--data", "in.jsonl", "--text", "a", "--dry-run"}, say: `in\.jsonl`,
			make: func(string) error {
				return os.WriteFile("in.jsonl", []byte(`{"a":`+strings.Repeat("[", 1_000_000)+"\n"), 0o666)
			}},
		{name: "bomb: a WAV of 1 GB of silence in an archive", args: train("in.zip"), say: `1 recording are silent`, passes: true, // a second of it is read
			make: func(string) error {
				return zipOfZeros("in.zip", "a/a.wav", wavHead(1_000_000_000), 1_000_000_000)
			}},
	}
}

// claims returns attacks by files whose headers claim very much: alone, and followed by 1 MiB of bytes by chance.
func claims() []attack {
	all := []attack{}
	for _, c := range []struct{ file, head string }{ // files of a folder are read by their kind
		{"in/a.wav", string(wavHead(0xfffffff0))},
		{"in/a.flac", "fLaC\x80\x00\x00\x22\x10\x00\x10\x00\x00\x00\x00\x00\x00\x00\x0a\xc4\x42\xff\xff\xff\xff\xff" + strings.Repeat("\x00", 16)},
		{"in/a.mid", "MThd\x00\x00\x00\x06\x00\x01\xff\xff\x01\xe0MTrk\xff\xff\xff\xff\x00\x90\x40\x40"},
		{"in/a.png", string(pngHead(1<<31 - 1))},
		{"in/a.gif", "GIF89a\xff\xff\xff\xff\xf7\x00\x00"},
		{"in/a.jpg", "\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01"},
		{"in/a.bmp", "BM\xff\xff\xff\xff\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00\xff\xff\xff\x7f\xff\xff\xff\x7f\x01\x00\x18\x00" + strings.Repeat("\x00", 24)},
		{"in/a.webp", "RIFF\xff\xff\xff\xffWEBPVP8L\xff\xff\xff\xff\x2f\xff\xff\xff\xff"},
		{"in.npz", "PK\x05\x06\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00"},
		{"in.zip", "PK\x05\x06\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00"},
		{"in-images-idx3-ubyte", "\x00\x00\x08\x03\x7f\xff\xff\xff\x7f\xff\xff\xff\x7f\xff\xff\xff"},
		{"in.csv", "a,b\n\x00\x01\x02,\"\n"},
		{"in.parquet", "PAR1\xff\xff\xff\x7fPAR1"},
		{"in.npy", "\x93NUMPY\x02\x00\xff\xff\xff\x7f{"},
	} {
		folder, name := filepath.Split(c.file)
		data := cmp.Or(strings.TrimSuffix(folder, "/"), name)
		for _, more := range []int{0, 1 << 20} {
			a := attack{name: fmt.Sprintf("a header that claims much, and %d bytes: %s", more, c.file), say: regexp.QuoteMeta(name),
				args: []string{"train", "--data", data, "--dry-run"},
				make: func(string) error { return writeFile(c.file, append([]byte(c.head), chance(more)...)) }}
			if name == "a.wav" && more > 0 { // recorders that do not know their end write such a head: what is there is read
				a.say, a.passes = `1 recording, as clips`, true
			}
			all = append(all, a)
		}
	}
	return all
}

// names returns attacks by names of files, classes and runs with commands for a terminal.
func names() []attack {
	const escape = "x\x1b]0;t\a\x1b[2J\r\u202e\u0085y"
	picture := func(name string, r *rand.Rand) error {
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			return err
		}
		return writePNG(name, drawShape(r, true))
	}
	folder := func(bad bool) func(string) error {
		return func(string) (err error) {
			r := newRand(2)
			for i := range 24 {
				err = cmp.Or(err, picture(filepath.Join("in"+escape, fmt.Sprint(escape, i%2), fmt.Sprint(escape, i, ".png")), r))
			}
			if bad {
				err = cmp.Or(err, writeFile(filepath.Join("in"+escape, escape+"0", escape+".png"), []byte(escape)))
			}
			return err
		}
	}
	return []attack{
		{name: "names for a terminal: a folder", args: []string{"train", "mlp-vae", "--data", "in" + escape, "--hidden", "8", "--epochs", "1", "--name", "n"}, make: folder(false), say: `epoch`, passes: true},
		{name: "names for a terminal: an image that is none", args: []string{"train", "mlp-vae", "--data", "in" + escape}, make: folder(true), say: `\\x1b`},
		{name: "names for a terminal: a table", args: []string{"train", "mlp-vae", "--data", "in.csv", "--dry-run"}, say: `\\x1b`,
			make: func(string) error {
				return os.WriteFile("in.csv", []byte("a"+escape+",b\n1,2\n3,z"+escape+"\n"), 0o666)
			}},
		{name: "names for a terminal: texts", args: []string{"train", "char-vae", "--data", "in.txt", "--epochs", "1", "--encoder-units", "8", "--decoder-units", "8", "--name", "n"}, say: `epoch`, passes: true,
			make: func(string) error { return os.WriteFile("in.txt", []byte(strings.Repeat(escape+"\nabc\n", 60)), 0o666) }},
		{name: "names for a terminal: run.json", args: []string{"sample", runPath}, say: `the checkpoint is believed`, passes: true,
			make: func(dir string) error {
				return replace(filepath.Join(dir, runPath, "run.json"), `"recipe": "mlp-vae"`, `"recipe": "\u001b]0;t\u0007\u202e"`)
			}},
		{name: "names for a terminal: list of runs", args: []string{"runs"}, say: `\\x1b`, passes: true,
			make: func(string) error { return os.Rename("runs/"+runName, "runs/"+escape) }},
		{name: "names for a terminal: the log", args: []string{"runs"}, say: runName, passes: true,
			make: func(dir string) error {
				return appendTo(filepath.Join(dir, runPath, "metrics.jsonl"), `{"kind":"warning","warning":"\u001b]0;t\u0007","text":"\u001b[2J\u202e"}`+"\n")
			}},
		{name: "names for a terminal: an argument", args: []string{"sample", escape}, make: func(string) error { return nil }, say: `\\x1b`},
	}
}

// devices returns attacks by things that are no files, and have no end.
func devices() []attack {
	pipe := func(name string) func(string) error { return func(string) error { return syscall.Mkfifo(name, 0o666) } }
	inRun := func(name string) func(dir string) error {
		return func(dir string) error {
			name := filepath.Join(dir, runPath, name)
			return cmp.Or(os.RemoveAll(name), syscall.Mkfifo(name, 0o666))
		}
	}
	return []attack{
		{name: "a pipe for a set", args: []string{"train", "mlp-vae", "--data", "in.csv", "--dry-run"}, make: pipe("in.csv"), say: `in\.csv`},
		{name: "a pipe for weights", args: []string{"sample", "--weights", "in.safetensors"}, make: pipe("in.safetensors"), say: `in\.safetensors`},
		{name: "a pipe for run.json", args: []string{"sample", runPath}, make: inRun("run.json"), say: `run\.json`},
		{name: "a pipe for the log", args: []string{"train", "--resume", runPath, "--epochs", "4"}, make: inRun("metrics.jsonl"), say: `metrics\.jsonl`},
		{name: "a pipe for the lock", args: []string{"train", "--resume", runPath, "--epochs", "4"}, make: inRun(".lock"), say: `epoch 4/4`, passes: true},
		{name: "a pipe in a folder of photos", args: []string{"train", "mlp-vae", "--data", "in", "--dry-run"}, say: `in|image`,
			make: func(string) error { return cmp.Or(os.Mkdir("in", 0o777), syscall.Mkfifo("in/a.png", 0o666)) }},
		{name: "/dev/zero for weights", args: []string{"sample", "--weights", "/dev/zero"}, make: func(string) error { return nil }, say: `/dev/zero`},
		{name: "/dev/zero for a text", args: []string{"train", "char-vae", "--data", "in.txt", "--dry-run"}, make: func(string) error { return os.Symlink("/dev/zero", "in.txt") }, say: `in\.txt`},
		{name: "a file with a hole of 1 TB for a text", args: []string{"train", "char-vae", "--data", "in.txt", "--dry-run"}, make: hole("in.txt"), say: `in\.txt`},
		{name: "a file with a hole of 1 TB for a table", args: []string{"train", "mlp-vae", "--data", "in.csv", "--dry-run"}, make: hole("in.csv"), say: `in\.csv`},
		{name: "a file with a hole of 1 TB for an image", args: []string{"reconstruct", runPath, "in.png"}, make: hole("in.png"), say: `in\.png`},
		{name: "a file with a hole of 1 TB for run.json", args: []string{"sample", runPath}, say: `run\.json`,
			make: func(dir string) error { return hole(filepath.Join(dir, runPath, "run.json"))(dir) }},
		{name: "a folder that links to itself", args: []string{"train", "mlp-vae", "--data", "in", "--dry-run"}, say: `in`,
			make: func(string) error { return cmp.Or(os.Mkdir("in", 0o777), os.Symlink(".", "in/in")) }},
	}
}

// longLogs returns attacks by logs of runs that are very long.
func longLogs() []attack {
	all := []attack{}
	for _, kind := range []struct{ name, line string }{
		{"lines of an epoch", `{"kind":"epoch","epoch":%d,"step":%[1]d,"train":{"loss":1},"test":{"loss":2}}`},
		{"lines of a kind that is unknown", `{"kind":"k%d"}`},
		{"lines that are no JSON", `%d {`},
	} {
		for _, args := range [][]string{{"runs"}, {"train", "--resume", runPath, "--epochs", "4"}} {
			all = append(all, attack{name: "a log of 2,000,000 " + kind.name + ": " + args[0], args: args, say: `.`, passes: args[0] == "runs",
				make: func(dir string) error {
					var b bytes.Buffer
					for i := range 2_000_000 {
						fmt.Fprintf(&b, kind.line+"\n", i+3)
					}
					return appendTo(filepath.Join(dir, runPath, "metrics.jsonl"), b.String())
				}})
		}
	}
	return append(all, attack{name: "a log with a line of 500 MB", args: []string{"train", "--resume", runPath, "--epochs", "4"}, say: `metrics\.jsonl`,
		make: func(dir string) error {
			return appendTo(filepath.Join(dir, runPath, "metrics.jsonl"), `{"kind":"`+strings.Repeat("a", 500_000_000))
		}})
}

// configurations returns attacks by files of a run whose numbers are wild.
func configurations() []attack {
	all := []attack{}
	for _, c := range []struct{ from, to, say string }{
		{`"batch": `, `"batch": 99999999999`, `batch|memory`},
		{`"seed": 1`, `"seed": 1e400`, `run\.json|seed|number`},
		{`"beta": 1`, `"beta": 1e308`, `beta`},
	} {
		all = append(all, attack{name: "a wild number in run.json: " + c.to, args: []string{"train", "--resume", runPath}, say: c.say, keeps: true,
			make: func(dir string) error { return replace(filepath.Join(dir, runPath, "run.json"), c.from, c.to) }})
	}
	return append(all,
		attack{name: "run.json with 10,000,000 nested lists", args: []string{"sample", runPath}, say: `run\.json`, keeps: true,
			make: func(dir string) error {
				return os.WriteFile(filepath.Join(dir, runPath, "run.json"), bytes.Repeat([]byte("["), 10_000_000), 0o666)
			}},
		attack{name: "run.json of another kind of value", args: []string{"train", "--resume", runPath}, say: `run\.json`, keeps: true,
			make: func(dir string) error {
				return os.WriteFile(filepath.Join(dir, runPath, "run.json"), []byte("null"), 0o666)
			}},
		attack{name: "a set that its own run does not name", args: []string{"sample", "..//..//../etc/passwd"}, say: `passwd`, make: func(string) error { return nil }},
	)
}

// moveOut moves a file or folder of the run out of the folder of the attack, and leaves a link.
func moveOut(dir, name string) error {
	from, to := filepath.Join(dir, runPath, name), filepath.Join(dir, "..", "outside", filepath.Base(name))
	if err := os.Rename(from, to); os.IsNotExist(err) {
		err = writeFile(to, nil) // a training would make it
		if err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	return os.Symlink(to, from)
}

// replace changes a text in a file, which must have it.
func replace(name, from, to string) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if !bytes.Contains(b, []byte(from)) {
		return fmt.Errorf("%s has no %s", name, from)
	}
	return os.WriteFile(name, bytes.Replace(b, []byte(from), []byte(to), 1), 0o666)
}

// appendTo appends a text to a file.
func appendTo(name, text string) error {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return cmp.Or(err, f.Close())
}

// configOf returns the configuration of the run of the attack's folder, as it is for another recipe of the same pictures.
func configOf(recipe string) ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(runPath, "run.json"))
	if err != nil {
		return nil, err
	}
	var c map[string]any
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, err
	}
	if recipe != c["recipe"] {
		c["recipe"], c["kind"], c["model"] = recipe, recipe, map[string]any{}
	}
	return json.Marshal(c)
}

// writeSafetensors writes a file of weights with a header and no values.
func writeSafetensors(name string, header map[string]any) error {
	b, err := json.Marshal(header)
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(binary.LittleEndian.AppendUint64(nil, uint64(len(b))), b...), 0o666)
}

// writeZip writes an archive.
func writeZip(name string, files map[string][]byte) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	z := zip.NewWriter(f)
	for file, b := range files {
		w, err := z.Create(file)
		if err != nil {
			return err
		}
		w.Write(b) // an error is returned by Close
	}
	return cmp.Or(z.Close(), f.Close())
}

// zipOfZeros writes an archive with a file of a head and so many zeros.
func zipOfZeros(name, file string, head []byte, n int64) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	z := zip.NewWriter(f)
	w, err := z.Create(file)
	if err != nil {
		return err
	}
	w.Write(head)
	err = repeat(w, make([]byte, 1<<20), n>>20)
	return cmp.Or(err, z.Close(), f.Close())
}

// manyNames writes an archive with so many empty files.
func manyNames(name string, n int) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	b := bufio.NewWriter(f)
	z := zip.NewWriter(b)
	for i := range n {
		if _, err := z.CreateHeader(&zip.FileHeader{Name: fmt.Sprint(i, ".png")}); err != nil {
			return err
		}
	}
	return cmp.Or(z.Close(), b.Flush(), f.Close())
}

// writeGzip writes a packed file of a head and a text so many times, about.
func writeGzip(name string, head []byte, text string, times int64) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	z := gzip.NewWriter(f)
	z.Write(head)
	err = repeat(z, bytes.Repeat([]byte(text), 1<<17), times>>17)
	return cmp.Or(err, z.Close(), f.Close())
}

// repeat writes a text so many times.
func repeat(w io.Writer, text []byte, n int64) error {
	for range n {
		if _, err := w.Write(text); err != nil {
			return err
		}
	}
	return nil
}

// pngBomb writes so many PNG files of black, with so many rows and columns.
func pngBomb(folder string, n, side int) error {
	var b bytes.Buffer
	b.Write(pngHead(side))
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	rows := make([]byte, (1+side)*100)
	if err := repeat(z, rows, int64(side/100)); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	b.Write(pngChunk("IDAT", packed.Bytes()))
	b.Write(pngChunk("IEND", nil))
	for i := range n {
		if err := writeFile(filepath.Join(folder, fmt.Sprintf("%03d.png", i)), b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// pngHead returns the first bytes of a grey PNG file with so many rows and columns.
func pngHead(side int) []byte {
	h := binary.BigEndian.AppendUint32(nil, uint32(side))
	h = append(binary.BigEndian.AppendUint32(h, uint32(side)), 8, 0, 0, 0, 0)
	return append([]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", h)...)
}

// pngChunk returns a part of a PNG file.
func pngChunk(kind string, b []byte) []byte {
	c := append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), kind+string(b)...)
	return binary.BigEndian.AppendUint32(c, crc32.ChecksumIEEE(c[4:]))
}

// wavHead returns the first bytes of a WAV file whose samples have so many bytes.
func wavHead(n uint32) []byte {
	b := append([]byte("RIFF"), binary.LittleEndian.AppendUint32(nil, n+36)...)
	b = append(b, "WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data"...)
	return binary.LittleEndian.AppendUint32(b, n)
}

// hole makes a file of 1 TB without a byte on the disk.
func hole(name string) func(string) error {
	return func(string) error {
		f, err := os.Create(name)
		if err != nil {
			return err
		}
		return cmp.Or(f.Truncate(1<<40), f.Close())
	}
}

// chance returns so many bytes by chance, the same each time.
func chance(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(b) // it cannot fail
	return b
}

// newRand returns a source of random numbers, the same each time.
func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 2)) }
