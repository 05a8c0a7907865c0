package data

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/imago-ml/imago/formats/imageio"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/option"
)

// StandardInput is the name of the set that is read from Options.Input.
const StandardInput = "-"

const maxInput = 8 << 30 // bytes of it

// spool writes input to a file in a folder of its own, which done deletes: a set is read
// more than once.
func spool(input io.Reader) (path string, done func(), err error) {
	if input == nil {
		return "", nil, option.Errorf("data: %s is the standard input of an earlier command, which is gone: name a file with {Data}", StandardInput)
	}
	br := bufio.NewReader(input)
	head, err := br.Peek(512)
	if len(head) == 0 {
		if err == io.EOF {
			err = errors.New("nothing came from it")
		}
		return "", nil, fmt.Errorf("data: standard input: %w", err)
	}
	dir, err := os.MkdirTemp("", "imago-")
	if err != nil {
		return "", nil, fmt.Errorf("data: standard input: %w", err)
	}
	done = func() { os.RemoveAll(dir) }
	path = filepath.Join(dir, "stdin")
	if imageio.Describe(head) == "text" {
		path += ".csv"
	}
	f, err := os.Create(path)
	if err == nil {
		var n int64
		n, err = io.Copy(f, io.LimitReader(br, maxInput+1))
		err = errors.Join(err, f.Close())
		if n > maxInput {
			err = fmt.Errorf("more than %s bytes: name a file", english.Thousands(maxInput))
		}
	}
	if err != nil {
		done()
		return "", nil, fmt.Errorf("data: standard input: %w", err)
	}
	return path, done, nil
}
