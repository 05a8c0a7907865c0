//go:build !unix || solaris || aix

package data

import (
	"errors"
	"os"
)

// mapFile leaves it to the caller to read the file.
func mapFile(*os.File, int64) ([]byte, error) { return nil, errors.ErrUnsupported }

func unmapFile([]byte) {}
