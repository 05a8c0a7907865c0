package main

import (
	"github.com/imago-ml/imago/backend"
	"github.com/imago-ml/imago/cpu"
)

// newBackend is the device that everything runs on: a processor of so many threads, or as many as there are if 0.
func newBackend(threads int) backend.Backend { return cpu.New(threads) }
