package data

// A FetchError is a fault that fetching the files of a named set puts right: a file is missing or damaged.
// Source.Get fetches them.
type FetchError struct {
	Set string // the name of its Source
	Err error
}

// Error returns the message of Err with the remedy.
func (e *FetchError) Error() string { return e.Err.Error() + "; " + e.Remedy() }

// Remedy returns the last part of the message, for programs that have their own way to fetch a set.
func (e *FetchError) Remedy() string { return "fetch the set " + e.Set }

// Unwrap returns Err.
func (e *FetchError) Unwrap() error { return e.Err }
