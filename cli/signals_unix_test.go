//go:build unix

package cli

import (
	"bufio"
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// writePhotos writes n small pictures to a folder.
func writePhotos(t *testing.T, dir string, n int) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		img := image.NewGray(image.Rect(0, 0, 12, 12))
		img.SetGray(i%12, i%11, color.Gray{Y: 200})
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%04d.png", i)), b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// takeSignals makes processes that the test starts react to signals that this process was started with ignored, as under
// nohup or in the background.
func takeSignals(t *testing.T) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt, syscall.SIGHUP, syscall.SIGTERM)
	t.Cleanup(func() { signal.Stop(c) })
}

// Closing a terminal sends SIGHUP, more than once, and the reader of the output goes away. The run is saved all the same;
// under nohup it goes on.
func TestHangUp(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a model")
	}
	takeSignals(t)
	t.Chdir(t.TempDir())
	writePhotos(t, "photos", 120)
	train := func(name string, epochs int) string {
		return fmt.Sprintf("exec imago train mlp-vae --data photos --hidden 8 --epochs %d --batch 8 --pictures-every -1 --name %s", epochs, name)
	}
	hangUp := func(line string) (stderr string, status int) {
		t.Helper()
		cmd := exec.Command("sh", "-c", line)
		var errs bytes.Buffer
		cmd.Stderr = &errs
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for lines.Scan() && !strings.HasPrefix(lines.Text(), "epoch 2/") {
		}
		for range 3 {
			if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
		}
		if strings.HasPrefix(line, "trap") { // the output of nohup is a file
			for lines.Scan() {
			}
		}
		time.Sleep(500 * time.Millisecond) // the reader outlives the terminal until the process was scheduled
		out.Close()
		cmd.Wait() // its error is the exit status
		return errs.String(), cmd.ProcessState.ExitCode()
	}
	if stderr, status := hangUp(train("hung", 5000)); status != 1 || !strings.Contains(stderr, "and saved: continue with imago train mlp-vae --resume runs/hung") {
		t.Errorf("status %d: %s", status, stderr)
	}
	if stderr, status := hangUp("trap '' HUP; " + train("nohup", 12)); status != 0 {
		t.Errorf("under nohup: status %d: %s", status, stderr)
	}
}

// The first signal lets a command save, and so does the loss of the terminal at any time; a second request is obeyed at
// once.
func TestSecondSignal(t *testing.T) {
	takeSignals(t)
	for _, first := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		cmd := exec.Command("saves-slowly")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for i, signal := range []syscall.Signal{first, syscall.SIGHUP, syscall.SIGTERM} {
			if i < 2 {
				lines.Scan() // ready, then saving
			}
			cmd.Process.Signal(signal) // that it has ended is found below
			time.Sleep(50 * time.Millisecond)
		}
		cmd.Wait() // its error is the signal
		if status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGTERM {
			t.Errorf("%v, SIGHUP, SIGTERM: %v, want the end by SIGTERM", first, cmd.ProcessState)
		}
	}
}

// imago runs | head ends as other programs do: by SIGPIPE, without a word.
func TestBrokenPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	cmd := exec.Command("imago", "data", "list")
	var errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = w, &errs
	err = cmd.Run()
	w.Close()
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if err == nil || !status.Signaled() || status.Signal() != syscall.SIGPIPE || errs.Len() > 0 {
		t.Errorf("%v: %s: want the end by SIGPIPE, in silence", err, &errs)
	}
}
