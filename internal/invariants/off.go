//go:build !invariants && !race

package invariants

// Enabled reports whether the binary was built to verify itself as it runs.
const Enabled = false
