//go:build !unix

package runlog

// Lock does nothing: the system has no lock that ends with the process.
func (r *Run) Lock() (unlock func(), err error) { return func() {}, nil }
