package cli

import (
	"context"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/interrupt"
	"github.com/imago-ml/imago/internal/memory"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train"
	"github.com/imago-ml/imago/train/runlog"
)

// A sizeFlag is the value of --memory: a number of bytes, 0 for what the machine has.
type sizeFlag int64

// String returns the size as the user may give it.
func (s *sizeFlag) String() string {
	if *s == 0 {
		return ""
	}
	return memory.Size(int64(*s))
}

// Type returns the name of the type.
func (s *sizeFlag) Type() string { return "size" }

// Set reads a size.
func (s *sizeFlag) Set(text string) error {
	n, err := memory.ParseSize(text)
	if err == nil {
		*s = sizeFlag(n)
	}
	return err
}

// addMemoryFlag declares --memory of each command that reads data or models.
func (a *app) addMemoryFlag(root *cobra.Command) {
	reads := []string{"data", "threads", "weights", "shape"} // flags of such commands
	for _, c := range root.Commands() {
		for _, c := range append(c.Commands(), c) {
			found := false
			c.Flags().VisitAll(func(f *pflag.Flag) { found = found || slices.Contains(reads, f.Name) })
			if found {
				c.Flags().Var(&a.memory, "memory", "most memory to use, as a `size`: 4GB, 512MB (default 80 % of what is available)")
			}
		}
	}
}

// limitMemory sets the budget of the process to that of --memory.
func (a *app) limitMemory() { memory.SetLimit(int64(a.memory)) }

// trainingMemory returns the memory that training takes, and an error if the budget has no room for it. It is asked
// before the folder of a run is made.
func trainingMemory(ctx context.Context, config *runlog.Config, m *model.Model, set *data.Set, threads int) (train.Memory, error) {
	need, err := memoryOf(ctx, m, min(config.Batch, set.Train.Len()), threads)
	if err != nil {
		return need, err
	}
	return need, need.Check()
}

// memoryOf returns the memory that training in batches of that many images takes.
func memoryOf(ctx context.Context, m *model.Model, batch, threads int) (train.Memory, error) {
	var need train.Memory
	err := interrupt.Within(ctx, func() (err error) {
		be := newBackend(threads)
		defer be.Close()
		need, err = train.NewMemory(m, batch, be)
		return err
	})
	if err != nil {
		return train.Memory{}, err
	}
	return need, nil
}
