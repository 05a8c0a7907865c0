package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// The settings of PyTorch that imago is compared with.
const (
	peerTuned = "tuned"
	peerPlain = "plain"
)

// A peerRunner runs programs of imago and of PyTorch, each in a process of its own.
type peerRunner struct {
	ctx     context.Context
	imago   string // this program
	python  string // an interpreter that has PyTorch
	script  string // peer.py
	threads int
	steps   int
}

// A trial is the times that one process reports, and the memory and the noise that were measured.
type trial struct {
	First    float64 `json:"first_ms"`
	Median   float64 `json:"median_ms"`
	Executed int64   `json:"executed_flops"` // of products and convolutions in a run; of imago only
	Torch    string  `json:"torch"`          // PyTorch's version

	memory int64 // its peak, in bytes
	noise  *noise
}

// newPeerRunner returns a runner with the interpreter python, or the first one with PyTorch if python is empty.
func newPeerRunner(ctx context.Context, python, peers string) (*peerRunner, error) {
	r := &peerRunner{ctx: ctx, script: filepath.Join(peers, "peer.py")}
	if _, err := os.Stat(r.script); err != nil {
		return nil, fmt.Errorf("bench: there is no peer.py in %s: run in the root of imago's source tree, or name the folder with --peers", peers)
	}
	var err error
	if r.imago, err = os.Executable(); err != nil {
		return nil, err
	}
	candidates := []string{"python3", "/usr/bin/python3"}
	if python != "" {
		candidates = []string{python}
	}
	const find = "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is None)"
	for _, p := range candidates {
		if exec.CommandContext(ctx, p, "-c", find).Run() == nil {
			r.python = p
			return r, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return nil, fmt.Errorf("bench: no PyTorch with %s: apt-get install python3-torch libopenblas0-openmp on Debian, or name an interpreter that has it with --python",
		strings.Join(candidates, " or "))
}

// runImago runs imago bench with arguments that choose one program.
func (r *peerRunner) runImago(args ...string) (*trial, error) {
	args = append([]string{"bench", "--json", "--no-machine", "--steps", strconv.Itoa(r.steps)}, args...)
	out, t, err := r.runProcess(false, r.imago, append(args, "--threads", strconv.Itoa(r.threads))...)
	if err != nil {
		return nil, err
	}
	var report struct{ Timings []json.RawMessage }
	if err := json.Unmarshal(out, &report); err != nil || len(report.Timings) != 1 {
		return nil, fmt.Errorf("bench: imago %s gave %d timings, want 1 (%v)", strings.Join(args, " "), len(report.Timings), err)
	}
	return t, json.Unmarshal(report.Timings[0], t)
}

// runPeer runs peer.py for a recipe in one of its settings.
func (r *peerRunner) runPeer(setting, peer string, args ...string) (*trial, error) {
	args = append([]string{r.script, peer, setting, "--steps", strconv.Itoa(r.steps)}, args...)
	out, t, err := r.runProcess(false, r.python, append(args, "--threads", strconv.Itoa(r.threads))...)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(out, t); err != nil {
		return nil, fmt.Errorf("bench: %s: %w", r.script, err)
	}
	return t, nil
}

// runProcess runs a program to its end and returns its output. If watch is set it measures the peak memory; otherwise
// it passes the start time to the program by --since.
func (r *peerRunner) runProcess(watch bool, name string, args ...string) ([]byte, *trial, error) {
	quiet := readLoad()
	if !watch {
		args = append(args, "--since", strconv.FormatInt(time.Now().UnixNano(), 10))
	}
	cmd := exec.CommandContext(r.ctx, name, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		return nil, nil, fmt.Errorf("bench: %w", err)
	}
	t := &trial{}
	ended, measured := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(measured)
		for pid := strconv.Itoa(cmd.Process.Pid); watch; {
			t.memory = max(t.memory, peakMemory(pid))
			select {
			case <-ended:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	err := cmd.Wait()
	close(ended)
	<-measured
	if err != nil {
		if r.ctx.Err() != nil {
			return nil, nil, r.ctx.Err()
		}
		lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		return nil, nil, fmt.Errorf("bench: %s %s: %w: %s", filepath.Base(name), strings.Join(args, " "), err, lines[len(lines)-1])
	}
	t.noise = quiet.since(cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime())
	return stdout.Bytes(), t, nil
}

// trainingMemory returns a trial of each program with its peak memory: it reads 60,000 images of 28x28, the size of
// MNIST, trains cnn-vae on a tenth of them and evaluates on the rest. imago draws no pictures.
func (r *peerRunner) trainingMemory() (all caseTrials, err error) {
	dir, err := os.MkdirTemp("", "imago-bench-")
	if err != nil {
		return all, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	images := filepath.Join(dir, "images.idx")
	if err := os.WriteFile(images, noiseIDX(60000, 28), 0o666); err != nil {
		return all, err
	}
	threads := strconv.Itoa(r.threads)
	_, ours, err := r.runProcess(true, r.imago, "train", "cnn-vae", "--loss", "mse", "--data", images, "--test-fraction", "0.9",
		"--epochs", "1", "--pictures-every", "-1", "--out", filepath.Join(dir, "runs"), "--threads", threads)
	if err != nil {
		return all, err
	}
	peer := func(setting string) (*trial, error) {
		_, t, err := r.runProcess(true, r.python, r.script, "cnn-vae", setting, "--do", "epoch", "--data", images, "--threads", threads)
		return t, err
	}
	tuned, err := peer(peerTuned)
	if err != nil {
		return all, err
	}
	plain, err := peer(peerPlain)
	return caseTrials{[]*trial{ours}, []*trial{tuned}, []*trial{plain}}, err
}

// noiseIDX returns an IDX file of n images of side x side random pixels.
func noiseIDX(n, side int) []byte {
	b := make([]byte, 16, 16+n*side*side)
	for i, v := range []int{0x803, n, side, side} {
		for j := range 4 {
			b[4*i+j] = byte(v >> (24 - 8*j))
		}
	}
	x := uint32(1)
	for range n * side * side {
		x = x*1664525 + 1013904223 // a linear congruential generator: Knuth, vol. 2
		b = append(b, byte(x>>24))
	}
	return b
}
