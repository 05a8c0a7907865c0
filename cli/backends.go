package cli

import (
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/internal/cpuid"
)

// newBackend returns the device that all commands use: the processor with so many threads, 0 for one per processor.
func newBackend(threads int) backend.Backend { return cpu.New(threads) }

// checkBackend returns an error if the environment asks for a device that this machine does not have.
func checkBackend() error { return cpuid.CheckEnv() }
