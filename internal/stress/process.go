package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A usage is the most that a process had at any time it was looked at.
type usage struct {
	resident    int // KiB
	descriptors int
}

// A process is a running call of the program.
type process struct {
	cmd  *exec.Cmd
	out  bytes.Buffer // standard output and standard error
	done chan struct{}
	most usage
}

// start starts a call. It is looked at until it ends.
func start(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.out, &p.out
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait() // what it returns is in ProcessState
		close(ended)
	}()
	go func() {
		defer close(p.done)
		for {
			u := usageOf(cmd.Process.Pid)
			p.most = usage{max(p.most.resident, u.resident), max(p.most.descriptors, u.descriptors)}
			select {
			case <-ended:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return p, nil
}

// call runs a call to its end.
func call(cmd *exec.Cmd) (*process, error) {
	p, err := start(cmd)
	if err == nil {
		<-p.done
	}
	return p, err
}

// status returns how the process ended: an exit status, or the negative of the signal that ended it.
func (p *process) status() int {
	if s, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && s.Signaled() {
		return -int(s.Signal())
	}
	return p.cmd.ProcessState.ExitCode()
}

// panicked reports whether the output has the trace of a panic or of a fatal error of Go.
func (p *process) panicked() bool {
	return bytes.Contains(p.out.Bytes(), []byte("\ngoroutine ")) || bytes.HasPrefix(p.out.Bytes(), []byte("panic:"))
}

// String returns the call, how it ended and what it printed.
func (p *process) String() string {
	return fmt.Sprintf("%s: status %d\n%s", strings.Join(p.cmd.Args, " "), p.status(), &p.out)
}

// usageOf returns what a process has now, zero if it has ended. The resident memory is the highest so far.
func usageOf(pid int) usage {
	var u usage
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return u
	}
	u.resident = statusField(b, "VmHWM:")
	entries, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid)) // none of an ended process
	u.descriptors = len(entries)
	return u
}

// statusField returns a number of /proc/PID/status, 0 if it is not there.
func statusField(status []byte, name string) int {
	for line := range strings.Lines(string(status)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == name {
			n, _ := strconv.Atoi(f[1])
			return n
		}
	}
	return 0
}
