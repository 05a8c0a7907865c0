// Package invariants says whether checks that are too slow for a user's run are on.
//
// They are under the build tag invariants and always under the race detector:
//
//	go test -tags invariants ./...
//	go test -race ./...
//
// A check guarded by Enabled costs nothing otherwise: the constant is false and the compiler drops the branch. This
// package knows no check; each stands beside the code whose duty it states.
package invariants
