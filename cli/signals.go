package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// interruptible returns a context that the first interrupt (Ctrl-C), request to end or loss of the terminal ends, so
// that a command saves and stops. A second interrupt or request ends the process at once. A lost terminal says so more
// than once, by the system and by the shell, and takes the readers of pipes with it: both are ignored from then on, so
// that the command can save. Under nohup its loss is ignored from the start.
func interruptible() context.Context {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, cancel := context.WithCancel(context.Background())
	first := make(chan os.Signal, 1)
	signal.Notify(first, signals...)
	go func() {
		<-first
		signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE)
		signal.Stop(first) // before the command notices, so that a second request is never lost
		cancel()
	}()
	return ctx
}
