//go:build !unix && !windows

package disk

import "errors"

const nonblock = 0

// manyNames reports false: the system has no hard links that Go tells of.
func manyNames(File) bool { return false }

// Lock fails: the system has no lock that ends with the process.
func (native) Lock(root, name string) (func() error, error) {
	return nil, errors.New("this system has no file locks that imago knows")
}
