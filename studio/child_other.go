//go:build !unix

package studio

import (
	"errors"
	"os"
	"os/exec"
)

// detach does nothing: a program of this system outlives the one that started it.
func detach(*exec.Cmd) {}

// lower does nothing: what the studio starts has its priority.
func lower(int) {}

// interrupt fails: this system has no way to ask a process of another console.
func interrupt(int) error {
	return errors.New("a training is not stopped from the page on this system: press Ctrl-C where it runs, or end it; it goes on from its last checkpoint")
}

// osFile opens a file that was just made, for what a process prints.
func osFile(name string) (*os.File, error) { return os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0) }
