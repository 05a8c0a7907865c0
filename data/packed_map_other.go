//go:build !unix || solaris || aix

package data

import (
	"errors"
	"os"
)

// mapFile returns an error: on this system the file is read, not mapped.
func mapFile(*os.File, int64) ([]byte, error) { return nil, errors.ErrUnsupported }

func unmapFile([]byte) {}
