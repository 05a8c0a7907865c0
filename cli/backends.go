package cli

import (
	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/internal/cpuid"
)

// newBackend returns the device that everything runs on: a processor of so many threads, or as many as there are if 0.
func newBackend(threads int) backend.Backend { return cpu.New(threads) }

// checkBackend says what is wrong with the environment's choice of device.
func checkBackend() error { return cpuid.CheckEnv() }
