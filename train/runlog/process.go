package runlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/internal/buildinfo"
	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/internal/process"
)

// ProcessesFile says which processes have trained the run.
const ProcessesFile = "processes.json"

// A Process is one call of the training loop: when, where and by what command the run was
// trained. A run that was resumed has several. Nothing of it changes what is trained.
type Process struct {
	Started time.Time `json:"started"`
	Seconds float64   `json:"seconds"`         // until it ended, or until its last checkpoint
	From    int64     `json:"from"`            // updates done when it started
	Step    int64     `json:"step"`            // and when Seconds was written
	Ended   string    `json:"ended,omitempty"` // Complete, Interrupted or the error; "" = it trains, or was killed

	Warnings []string `json:"warnings,omitempty"` // of what went wrong without ending it, such as a picture that could not be written

	Command   []string `json:"command,omitempty"`   // the command line, as its words; none = another program called the library
	Imago     string   `json:"imago"`               // version of the program
	Platform  string   `json:"platform"`            // linux/amd64
	Processor string   `json:"processor,omitempty"` // name of the model, where the system reports it
	Threads   int      `json:"threads"`             // that compute

	PID   int    `json:"pid,omitempty"`   // its number, on the machine that it ran on
	Birth string `json:"birth,omitempty"` // process.Birth of it: another process may have the number now
}

// Running reports whether it is the process of its number on this machine, and runs: a run whose last process has no Ended was
// killed otherwise, or is trained on another machine.
func (p *Process) Running() bool { return process.Is(p.PID, p.Birth) }

// How a process ended.
const (
	Complete    = "complete"
	Interrupted = "interrupted"
)

// NewProcess returns a process that starts now, after so many updates, on this machine.
func NewProcess(command []string, threads int, step int64) Process {
	return Process{
		Started: time.Now().UTC().Truncate(time.Millisecond), From: step, Step: step,
		Command: command, Imago: buildinfo.Version(), Platform: buildinfo.Platform(), Processor: buildinfo.Processor(), Threads: threads,
		PID: os.Getpid(), Birth: process.Birth(os.Getpid()),
	}
}

// At notes how far the process has come.
func (p *Process) At(step int64) {
	p.Step, p.Seconds = step, max(0, time.Since(p.Started).Round(time.Millisecond).Seconds())
}

// Processes returns the processes that have trained the run in the folder dir, the first
// one first; none of a run of an earlier version.
func Processes(dir string) ([]Process, error) { return ProcessesIn(disk.At(dir)) }

// Processes returns the processes that have trained the run, as the function of that name.
func (r *Run) Processes() ([]Process, error) { return ProcessesIn(r.Folder()) }

// maxProcesses bounds the size of processes.json in bytes before it is read.
const maxProcesses = 64 << 20

// ProcessesIn does what Processes does, in a folder of any system.
func ProcessesIn(dir disk.Folder) ([]Process, error) {
	b, err := dir.ReadFile(ProcessesFile, maxProcesses)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("runlog: %w", err)
	}
	var all []Process
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, fmt.Errorf("runlog: %s: %w; delete that file: nothing else needs it", dir.Path(ProcessesFile), err)
	}
	return all, nil
}

// WriteProcesses writes the processes of the run.
func (r *Run) WriteProcesses(all []Process) error {
	b, err := json.MarshalIndent(all, "", "  ")
	if err == nil {
		err = atomicfile.WriteBytesIn(r.Folder(), ProcessesFile, append(b, '\n'))
	}
	if err != nil {
		return fmt.Errorf("runlog: %w", err)
	}
	return nil
}
