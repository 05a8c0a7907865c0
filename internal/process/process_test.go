package process

import (
	"os"
	"os/exec"
	"runtime"
	"testing"
)

func TestIs(t *testing.T) {
	me := os.Getpid()
	birth := Birth(me)
	if !Is(me, birth) || Is(me, birth+"1") && birth != "" || Is(0, "") || Is(-1, "") {
		t.Errorf("this process, born %q, is not known", birth)
	}
	if runtime.GOOS == "linux" && birth == "" {
		t.Error("no birth on Linux")
	}
}

// TestEnded checks that a process is not there any more when it has ended, also before anybody has waited for it.
func TestEnded(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the states of processes are read on Linux alone")
	}
	cmd := exec.Command("sh", "-c", "read x")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	pid := cmd.Process.Pid
	birth := Birth(pid)
	if !Is(pid, birth) {
		t.Errorf("a process that waits, born %q, is not there", birth)
	}
	in.Close()
	for Is(pid, birth) {
		runtime.Gosched()
	}
	if err := cmd.Wait(); err == nil {
		t.Error("sh read something")
	}
	if Is(pid, birth) {
		t.Error("a process that has ended is there")
	}
}
