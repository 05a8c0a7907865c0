//go:build unix

package train_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/internal/runtest"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/runlog"
)

// victimEnv makes this test binary train the run in the folder it names: the
// process that the test kills.
const victimEnv = "IMAGO_TEST_VICTIM"

func TestMain(m *testing.M) {
	if dir := os.Getenv(victimEnv); dir != "" {
		if err := victim(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// victim trains, slowed down so that a kill finds it at work. Its first line of
// output says that it has started.
func victim(dir string) error {
	threads, err := strconv.Atoi(os.Getenv(victimEnv + "_THREADS"))
	if err != nil {
		return err
	}
	r, err := runlog.Open(dir, "")
	if err != nil {
		return err
	}
	set, err := runtest.Small(r.Config.Data.Train, r.Config.Data.Test)
	if err != nil {
		return err
	}
	slow := runtest.Trapped(set, func(int) error { time.Sleep(300 * time.Microsecond); return nil })
	be := cpu.New(threads)
	defer be.Close()
	_, err = train.Loop(context.Background(), jobOn(r, slow, be, os.Stdout))
	return err
}

// start runs the victim until it trains.
func start(t *testing.T, dir string, threads int) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), victimEnv+"="+dir, victimEnv+"_THREADS="+strconv.Itoa(threads))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatalf("the process ended at once: %v", cmd.Wait())
	}
	go func() { // so that the process never blocks
		for lines.Scan() {
		}
	}()
	return cmd
}

// A run that is killed five times at random moments, and resumed each time, ends
// with the same checkpoint and the same log as one that was left alone.
func TestKill(t *testing.T) {
	set := runtest.Must(runtest.Small(700, 100))
	c := runtest.Config("staged", set, "hidden", "16")
	c.Batch, c.Checkpoints.Steps, c.Schedule = 32, 5, "cosine"
	t.Run("a model in stages", func(t *testing.T) { survives(t, c) })
	c = runtest.Config("dense-gan", set, "hidden", "16")
	c.Batch, c.Checkpoints.Steps, c.Epochs, c.Steps, c.LogSteps = 32, 5, 0, 60, 8 // 22 an epoch
	t.Run("an adversarial model", func(t *testing.T) { survives(t, c) })
}

func survives(t *testing.T, c runlog.Config) {
	whole := runtest.NewRun(t, c)
	started := time.Now()
	if err := start(t, whole.Dir, 2).Wait(); err != nil {
		t.Fatal(err)
	}
	took := time.Since(started)
	want, wantLog := digestOf(t, whole.Dir)
	for _, threads := range []int{1, 2} {
		t.Run(fmt.Sprint(threads, " threads"), func(t *testing.T) {
			var r *runlog.Run
			for kills := 0; kills < 5; {
				if kills == 0 {
					r = runtest.NewRun(t, c)
				}
				cmd := start(t, r.Dir, threads)
				time.Sleep(time.Duration(rand.Float64() * float64(took) / 6))
				if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
				cmd.Wait()
				if !cmd.ProcessState.Sys().(syscall.WaitStatus).Signaled() {
					t.Logf("it was done before kill %d: again", kills+1)
					kills = 0
					continue
				}
				kills++
				if s, err := lastState(r.Dir); err == nil {
					t.Logf("kill %d left %s", kills, s)
				}
			}
			if err := start(t, r.Dir, threads).Wait(); err != nil {
				t.Fatal(err)
			}
			got, gotLog := digestOf(t, r.Dir)
			if got != want || gotLog != wantLog {
				t.Errorf("killed: %s, left alone: %s\n%s\nwant\n%s", got, want, gotLog, wantLog)
			}
		})
	}
}

// lastState returns the name of the newest checkpoint.
func lastState(dir string) (step string, err error) {
	names, err := filepath.Glob(filepath.Join(dir, runlog.CheckpointsDir, "step-*"))
	if err != nil || len(names) == 0 {
		return "none", err
	}
	return filepath.Base(names[len(names)-1]), nil
}
