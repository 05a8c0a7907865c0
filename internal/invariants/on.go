//go:build invariants || race

package invariants

// Enabled is whether the binary checks its invariants while it runs.
const Enabled = true
