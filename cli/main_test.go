package cli

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/imago-ml/imago/formats/audio"
	"github.com/imago-ml/imago/internal/realdata"
	"github.com/imago-ml/imago/train/keep"
)

// TestMain lets scripts run this test binary as the program imago.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"imago": func() { Main() }, "saves-slowly": saveSlowly})
}

// saveSlowly is a command that takes a minute to save when it is interrupted.
func saveSlowly() {
	ctx := interruptible()
	fmt.Println("ready")
	<-ctx.Done()
	fmt.Println("saving")
	time.Sleep(time.Minute)
}

// TestScripts runs command lines as a user does: testdata/script/*.txtar, with the commands of package testscript and
// those below.
func TestScripts(t *testing.T) {
	testscript.Run(t, scriptParams("testdata/script"))
}

// scriptParams returns the parameters of testscript for the scripts in dir.
func scriptParams(dir string) testscript.Params {
	return testscript.Params{
		Dir: dir,
		Setup: func(e *testscript.Env) error {
			// The data sets and the runs of this machine must not be found, and nothing may be fetched.
			e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("XDG_CACHE_HOME", filepath.Join(e.WorkDir, "cache"))
			e.Setenv("IMAGO_DATA", "")
			e.Setenv("IMAGO_MIRROR", "http://127.0.0.1:1")
			e.Setenv("CI", "true")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"images":    makeImages,
			"sounds":    makeSounds,
			"idx":       makeIDX,
			"fails":     expectFailure,
			"picture":   checkPicture,
			"corrupt":   corruptFiles,
			"cut":       truncateFile,
			"interrupt": interruptProgram,
			"units":     readUnits,
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	}
}

// makeImages runs images DIR N [SIDE [colour]]: it writes N grey pictures of 12x12, or of another size, bars and rings in
// turn, to DIR; in colour they are bluish. The name of every third ends in .jpg, whatever the format is; every fifth is a JPEG file.
func makeImages(ts *testscript.TestScript, neg bool, args []string) {
	var n, side int
	if _, err := fmt.Sscan(strings.Join(append(args[1:], "12"), " "), &n, &side); err != nil {
		ts.Fatalf("images DIR N [SIDE [colour]]: %v", err)
	}
	inColour := len(args) == 4 && args[3] == "colour"
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o777))
	for i := range n {
		var img draw.Image = image.NewGray(image.Rect(0, 0, side, side))
		if inColour {
			img = image.NewRGBA(img.Bounds())
		}
		for y := range side {
			for x := range side {
				on := (x+i)%4 < 2
				if i%2 == 1 {
					d := (x-6)*(x-6) + (y-6)*(y-6)
					on = d > 9 && d < 20+i%7
				}
				switch {
				case on:
					img.Set(x, y, color.Gray{Y: 255})
				case inColour:
					img.Set(x, y, color.RGBA{B: 128, A: 255})
				}
			}
		}
		var b bytes.Buffer
		if i%5 == 4 {
			ts.Check(jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}))
		} else {
			ts.Check(png.Encode(&b, img))
		}
		ext := ".png"
		if i%3 == 2 {
			ext = ".jpg"
		}
		ts.Check(os.WriteFile(filepath.Join(dir, fmt.Sprintf("%04d%s", i, ext)), b.Bytes(), 0o666))
	}
}

// makeSounds runs sounds DIR N: it writes N WAV files of 0.2 s to each of DIR/low and DIR/high, tones of their own.
func makeSounds(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	const rate = 8000
	for class, hz := range map[string]int{"low": 200, "high": 900} {
		dir := filepath.Join(ts.MkAbs(args[0]), class)
		ts.Check(os.MkdirAll(dir, 0o777))
		for i := range n {
			samples := make([]float32, rate/5)
			for k := range samples {
				samples[k] = float32(math.Sin(2 * math.Pi * float64((hz+10*i)*k) / rate))
			}
			b, err := audio.EncodeWAV(samples, rate)
			ts.Check(err)
			ts.Check(os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.wav", i)), b, 0o666))
		}
	}
}

// makeIDX runs idx DIR CLAIMED IMAGES LABELS: it writes the four files of an IDX set of 4x4 images. The header of the
// training images claims CLAIMED images, the file has IMAGES, and there are LABELS labels.
func makeIDX(ts *testscript.TestScript, neg bool, args []string) {
	var claimed uint32
	var images, labels int
	if _, err := fmt.Sscan(strings.Join(args[1:], " "), &claimed, &images, &labels); err != nil {
		ts.Fatalf("idx DIR CLAIMED IMAGES LABELS: %v", err)
	}
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o777))
	write := func(name string, dims []uint32, bytesThere int) {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		ts.Check(binary.Write(z, binary.BigEndian, []uint8{0, 0, 8, uint8(len(dims))}))
		ts.Check(binary.Write(z, binary.BigEndian, dims))
		_, err := z.Write(make([]byte, bytesThere))
		ts.Check(err)
		ts.Check(z.Close())
		ts.Check(os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o666))
	}
	write("train-images-idx3-ubyte.gz", []uint32{claimed, 4, 4}, images*16)
	write("train-labels-idx1-ubyte.gz", []uint32{uint32(labels)}, labels)
	write("t10k-images-idx3-ubyte.gz", []uint32{4, 4, 4}, 4*16)
	write("t10k-labels-idx1-ubyte.gz", []uint32{4}, 4)
}

// expectFailure runs fails STATUS PROGRAM ARG…: the command must end with that exit status, print nothing to standard
// output and one line to standard error, and not panic.
func expectFailure(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: fails STATUS PROGRAM ARG...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if err != nil {
		coder, ok := err.(interface{ ExitCode() int })
		if !ok {
			ts.Fatalf("%v: %v", args[1:], err)
		}
		code = coder.ExitCode()
	}
	stdout, stderr := ts.ReadFile("stdout"), ts.ReadFile("stderr")
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("exit status %d, want %s", code, args[0])
	}
	if stdout != "" {
		ts.Fatalf("a command that fails prints to standard output: %q", stdout)
	}
	// What is warned of before the failure, as of the data, is no part of the error.
	stderr = regexp.MustCompile(`(?m)^imago: warning: .*\n`).ReplaceAllString(stderr, "")
	if strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "imago: ") {
		ts.Fatalf("want one line on standard error that starts with imago: there are %d", strings.Count(stderr, "\n"))
	}
	if strings.Contains(stderr, "panic") || strings.Contains(stderr, "goroutine ") {
		ts.Fatalf("a panic")
	}
}

// checkPicture runs picture FILE…: each must be a PNG file with three colours or more.
func checkPicture(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		f, err := os.Open(ts.MkAbs(name))
		ts.Check(err)
		img, err := png.Decode(f)
		f.Close()
		if err != nil {
			ts.Fatalf("%s: %v", name, err)
		}
		r := img.Bounds()
		colours := map[color.Color]bool{}
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x := r.Min.X; x < r.Max.X; x++ {
				colours[img.At(x, y)] = true
			}
		}
		if len(colours) < 3 {
			ts.Fatalf("%s: %d colours, so it shows nothing", name, len(colours))
		}
	}
}

// corruptFiles runs corrupt PATTERN…: it inverts a bit in the middle of each file.
func corruptFiles(ts *testscript.TestScript, neg bool, args []string) {
	for _, pattern := range args {
		names, err := filepath.Glob(ts.MkAbs(pattern))
		ts.Check(err)
		if len(names) == 0 {
			ts.Fatalf("corrupt %s: there is none", pattern)
		}
		for _, name := range names {
			f, err := os.OpenFile(name, os.O_RDWR, 0)
			ts.Check(err)
			info, err := f.Stat()
			ts.Check(err)
			var b [1]byte
			_, err = f.ReadAt(b[:], info.Size()/2)
			ts.Check(err)
			b[0] ^= 0x10
			_, err = f.WriteAt(b[:], info.Size()/2)
			ts.Check(err)
			ts.Check(f.Close())
		}
	}
}

// truncateFile runs cut BYTES FILE: it keeps so many bytes of the file, a name or a pattern that matches one.
func truncateFile(ts *testscript.TestScript, neg bool, args []string) {
	var n int64
	if _, err := fmt.Sscan(args[0], &n); err != nil {
		ts.Fatalf("cut BYTES FILE: %v", err)
	}
	names, err := filepath.Glob(ts.MkAbs(args[1]))
	ts.Check(err)
	if len(names) != 1 {
		ts.Fatalf("cut: %s stands for %d files, want one", args[1], len(names))
	}
	ts.Check(os.Truncate(names[0], n))
}

// readUnits runs units DIR: it sets FIRST to the two most important latent units of the run in DIR, as "3, 1", and
// PLANE to their name, as "units 3 and 1 of 6, by KL". They must not be those that come first anyway.
func readUnits(ts *testscript.TestScript, neg bool, args []string) {
	var file struct {
		Content keep.Units `json:"content"`
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(filepath.Join(args[0], keep.UnitsFile))), &file))
	p := file.Content.Plane()
	if p.X == 0 && p.Y == 1 {
		ts.Fatalf("units 0 and 1 are the most important ones, which shows nothing: choose another --seed; %+v", file.Content)
	}
	ts.Setenv("FIRST", fmt.Sprintf("%d, %d", p.X, p.Y))
	ts.Setenv("PLANE", p.String())
}

// interruptProgram runs interrupt PATTERN PROGRAM ARG…: it starts the program, sends it the signal of Ctrl-C when it
// prints a line that matches, and wants exit status 1, or 0 if the line begins with !, as of a server, which has nothing
// to save. The output is then in the files out and err.
func interruptProgram(ts *testscript.TestScript, neg bool, args []string) {
	path, err := exec.LookPath(args[1])
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if p := filepath.Join(dir, args[1]); err != nil {
			if _, statErr := os.Stat(p); statErr == nil {
				path, err = p, nil
			}
		}
	}
	ts.Check(err)
	var stderr, stdout bytes.Buffer
	cmd := exec.Command(path, args[2:]...)
	cmd.Dir, cmd.Stderr = ts.MkAbs("."), &stderr
	cmd.Env = append(os.Environ(), "HOME="+ts.Getenv("HOME"), "IMAGO_DATA=")
	pipe, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	defer cmd.Process.Kill() // has no effect after it has ended
	pattern := regexp.MustCompile(args[0])
	sent := false
	for lines := bufio.NewScanner(pipe); lines.Scan(); {
		fmt.Fprintln(&stdout, lines.Text())
		if !sent && pattern.MatchString(lines.Text()) {
			ts.Check(cmd.Process.Signal(os.Interrupt))
			sent = true
		}
	}
	err = cmd.Wait()
	ts.Check(os.WriteFile(ts.MkAbs("out"), stdout.Bytes(), 0o666))
	ts.Check(os.WriteFile(ts.MkAbs("err"), stderr.Bytes(), 0o666))
	want := 1
	if neg {
		want = 0
	}
	if cmd.ProcessState.ExitCode() != want || !sent {
		ts.Fatalf("interrupted: %v, exit status %d wanted; %v\n%s%s", sent, want, err, &stdout, &stderr)
	}
}

// TestHelpExamples checks that every command has a short text and an example, and that the examples are valid command
// lines.
func TestHelpExamples(t *testing.T) {
	root := newApp(io.Discard, io.Discard).root()
	for _, c := range root.Commands() {
		for _, c := range append(c.Commands(), c) {
			if c.Hidden || c.Name() == "help" || c.HasParent() && c.Parent().Hidden {
				continue
			}
			if c.Short == "" || !strings.Contains(c.Example, c.CommandPath()) {
				t.Errorf("%s: want a short text and an example", c.CommandPath())
			}
			for _, line := range strings.Split(c.Example, "\n") {
				words := strings.Fields(line)
				if len(words) == 0 || words[0] != "imago" {
					t.Errorf("%s: the example has the line %q, want a command", c.CommandPath(), line)
					continue
				}
				sub, rest, err := root.Find(words[1:])
				if err == nil {
					err = sub.ParseFlags(rest)
				}
				if err != nil {
					t.Errorf("%s: the example %q: %v", c.CommandPath(), line, err)
				}
			}
		}
	}
}

// TestThousands checks the commas in large numbers.
func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 134165: "134,165", -1234567: "-1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("thousands(%d) = %q, want %q", n, got, want)
		}
	}
}

// TestSquareCols checks the number of columns of an about square sheet.
func TestSquareCols(t *testing.T) {
	for n, want := range map[int]int{1: 1, 2: 2, 4: 2, 5: 3, 64: 8, 65: 9} {
		if got := squareCols(n); got != want {
			t.Errorf("squareCols(%d) = %d, want %d", n, got, want)
		}
	}
}

// TestRealData runs the scripts that need real data sets.
func TestRealData(t *testing.T) {
	dir, err := filepath.Abs(realdata.Dir(t))
	if err != nil {
		t.Fatal(err)
	}
	p := scriptParams("testdata/real")
	setup := p.Setup
	p.Setup = func(e *testscript.Env) error {
		e.Setenv("REALDATA", dir)
		return setup(e)
	}
	testscript.Run(t, p)
}
