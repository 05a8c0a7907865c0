package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// fileCalls are the system calls that concern files. The first argument is a descriptor: of a folder, if a name in it is the
// second argument.
var fileCalls = map[uint64]struct {
	name  string
	named bool
}{
	syscall.SYS_READ: {"read", false}, syscall.SYS_PREAD64: {"pread64", false},
	syscall.SYS_WRITE: {"write", false}, syscall.SYS_PWRITE64: {"pwrite64", false},
	syscall.SYS_CLOSE: {"close", false}, syscall.SYS_FSTAT: {"fstat", false}, syscall.SYS_LSEEK: {"lseek", false},
	syscall.SYS_FSYNC: {"fsync", false}, syscall.SYS_FDATASYNC: {"fdatasync", false}, syscall.SYS_FTRUNCATE: {"ftruncate", false},
	syscall.SYS_GETDENTS64: {"getdents64", false}, syscall.SYS_FLOCK: {"flock", false}, syscall.SYS_FCHMOD: {"fchmod", false},
	syscall.SYS_OPENAT: {"openat", true}, syscall.SYS_MKDIRAT: {"mkdirat", true}, syscall.SYS_UNLINKAT: {"unlinkat", true},
	syscall.SYS_RENAMEAT: {"renameat", true}, sysRenameat2: {"renameat2", true}, syscall.SYS_NEWFSTATAT: {"newfstatat", true},
	syscall.SYS_READLINKAT: {"readlinkat", true}, syscall.SYS_LINKAT: {"linkat", true}, sysStatx: {"statx", true},
}

// What package syscall lacks.
const (
	sysRenameat2  = 316
	sysStatx      = 332
	exitKill      = 0x100000 // PTRACE_O_EXITKILL
	atWorkingDir  = -100     // AT_FDCWD
	syscallStop   = syscall.SIGTRAP | 0x80
	longestName   = 256 // bytes of a name that are read
	maxTraced     = 3 * time.Minute
	noSuchSyscall = ^uint64(0)
)

// traced runs a program and counts its calls that concern files below a folder, of all its threads together. At call
// number at, before it is done, it calls before and then kills the process, or lets the call fail if errno is not 0; at 0
// is never. It returns the calls, and how the process ended: an exit status, or the negative of a signal.
func traced(below, dir string, args []string, out *os.File, env []string, at int, errno syscall.Errno, before func()) (calls []string, status int, err error) {
	runtime.LockOSThread() // ptrace is of a thread
	defer runtime.UnlockOSThread()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, 0, err
	}
	defer null.Close()
	pid, err := syscall.ForkExec(args[0], args, &syscall.ProcAttr{
		Dir: dir, Env: env, Files: []uintptr{null.Fd(), out.Fd(), out.Fd()}, Sys: &syscall.SysProcAttr{Ptrace: true, Setpgid: true},
	})
	if err != nil {
		return nil, 0, err
	}
	late := time.AfterFunc(maxTraced, func() { syscall.Kill(pid, syscall.SIGKILL) })
	defer func() {
		if !late.Stop() {
			err = errors.Join(err, fmt.Errorf("it does not end"))
		}
	}()
	var ws syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &ws, syscall.WALL, nil); err != nil {
		return nil, 0, err
	}
	if err := syscall.PtraceSetOptions(pid, syscall.PTRACE_O_TRACESYSGOOD|syscall.PTRACE_O_TRACECLONE|exitKill); err != nil {
		syscall.Kill(pid, syscall.SIGKILL)
		syscall.Wait4(pid, &ws, syscall.WALL, nil)
		return nil, 0, err
	}
	inside := map[int]bool{} // threads that are in a system call
	failing := map[int]bool{}
	for tid, sig := pid, 0; ; {
		syscall.PtraceSyscall(tid, sig)                        // fails if the thread was killed; then it is waited for
		tid, err = syscall.Wait4(-pid, &ws, syscall.WALL, nil) // all threads of the process group, and no other child
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return calls, 0, err
		case ws.Exited() && tid == pid:
			return calls, ws.ExitStatus(), nil
		case ws.Signaled() && tid == pid:
			return calls, -int(ws.Signal()), nil
		}
		sig = 0
		switch stop := ws.StopSignal(); {
		case !ws.Stopped():
		case stop == syscallStop:
			var regs syscall.PtraceRegs
			inside[tid] = !inside[tid]
			if syscall.PtraceGetRegs(tid, &regs) != nil {
				continue
			}
			if !inside[tid] {
				if failing[tid] {
					delete(failing, tid)
					regs.Rax = uint64(-int64(errno))
					syscall.PtraceSetRegs(tid, &regs)
				}
				continue
			}
			call := describe(tid, &regs, below)
			if call == "" {
				continue
			}
			if calls = append(calls, call); len(calls) != at {
				continue
			}
			before()
			if errno == 0 {
				syscall.Kill(pid, syscall.SIGKILL)
				continue
			}
			failing[tid] = true
			regs.Orig_rax = noSuchSyscall
			syscall.PtraceSetRegs(tid, &regs)
		case stop == syscall.SIGTRAP, stop == syscall.SIGSTOP: // a thread begins
		default:
			sig = int(stop)
		}
	}
}

// describe returns the call that a thread is about to make, with the name of its file, or "" if it does not concern files
// below a folder.
func describe(tid int, regs *syscall.PtraceRegs, below string) string {
	call, ok := fileCalls[regs.Orig_rax]
	if !ok {
		return ""
	}
	name := ""
	if call.named {
		b := make([]byte, longestName)
		n, _ := syscall.PtracePeekData(tid, uintptr(regs.Rsi), b) // what can be read before the end of the memory
		b, _, _ = bytes.Cut(b[:n], []byte{0})
		name = string(b)
	}
	if !filepath.IsAbs(name) {
		link := fmt.Sprintf("/proc/%d/fd/%d", tid, int32(regs.Rdi))
		if int32(regs.Rdi) == atWorkingDir {
			link = fmt.Sprintf("/proc/%d/cwd", tid)
		}
		dir, err := os.Readlink(link)
		if err != nil {
			return ""
		}
		name = filepath.Join(dir, name)
	}
	rel, ok := strings.CutPrefix(name, below)
	if !ok {
		return ""
	}
	return call.name + " " + strings.TrimPrefix(rel, "/")
}
