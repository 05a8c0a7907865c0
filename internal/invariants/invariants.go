// Package invariants switches on checks that are too slow for the binaries of users.
//
// The checks run with the build tag invariants and with the race detector:
//
//	go test -tags invariants ./...
//	go test -race ./...
//
// A check is written beside the code that it verifies, within if invariants.Enabled { … }. Otherwise it costs nothing: the
// constant is false and the compiler removes the branch. This package must not know the checks.
package invariants
