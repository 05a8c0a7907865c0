package studio_test

import (
	"os/exec"
	"syscall"
)

// diesWith interrupts a program that a test starts when the test has ended without its cleanup, as at its time limit. A studio then
// stops its training.
func diesWith(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGINT} }
