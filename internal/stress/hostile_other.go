//go:build !unix

package main

import (
	"errors"
	"time"
)

// hostile makes no attacks here: they need files that this system does not have, as pipes.
func hostile(*workplace, string, time.Duration) error {
	return errors.New("hostile needs a Unix system")
}
