//go:build unix

package studio

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// priority is that of what the studio starts: the page stays instant while a model is trained.
const priority = 10

// detach lets a program that is to be started outlive this one: it has a session of its own, which no terminal ends.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// lower gives a process, with all its threads, a low priority. It is a kindness: a system that refuses it is no fault.
func lower(pid int) {
	_ = syscall.Setpriority(syscall.PRIO_PGRP, pid, priority)
	// Where the scheduler shares processors between sessions, the priority of the session counts.
	if f, err := os.OpenFile(fmt.Sprintf("/proc/%d/autogroup", pid), os.O_WRONLY, 0); err == nil {
		_, _ = fmt.Fprint(f, priority)
		_ = f.Close()
	}
}

// interrupt asks a process to save and to end, as Ctrl-C does.
func interrupt(pid int) error { return syscall.Kill(pid, syscall.SIGINT) }

// osFile opens a file that was just made, for what a process prints.
func osFile(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_WRONLY|os.O_APPEND|syscall.O_NOFOLLOW, 0)
}
