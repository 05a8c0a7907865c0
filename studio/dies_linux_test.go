package studio_test

import (
	"os/exec"
	"syscall"
)

// diesWith tells a program that a test starts that its terminal is lost when the test has ended without its cleanup, as at its time
// limit. A studio then stops its training. The system may say so once for each thread of the test: a second interrupt would end the
// studio at once, and leave the training.
func diesWith(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGHUP} }
