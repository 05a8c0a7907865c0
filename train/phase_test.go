package train

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/imago-ml/imago/engine/cpu"
	"github.com/imago-ml/imago/engine/tensor"
	"github.com/imago-ml/imago/internal/runtest"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train/runlog"
)

// An Init that fails leaves the state as it was, and the error names the phase.
func TestInitFails(t *testing.T) {
	set := runtest.Must(runtest.Small(60, 10))
	c := runtest.Config("staged", set, "hidden", "8")
	r := runtest.NewRun(t, c)
	be := cpu.New(1)
	defer be.Close()
	tr, err := newTrainer(Job{Run: r, Model: runtest.Must(r.Config.Build(runtest.Registry())), Data: set, Backend: be})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.close()
	before := fmt.Sprint(runtest.Must(tr.runner.Get(runtest.Moved)).F32())
	init := tr.Model.Phases[1].Init
	s := runlog.PhaseAt(tr.phases, 1)
	fault := errors.New("no luck")
	s.Init = func(sc model.InitContext) error {
		if err := init(sc); err != nil {
			return err
		}
		if now := fmt.Sprint(runtest.Must(tr.runner.Get(runtest.Moved)).F32()); now == before {
			t.Error("nothing was set")
		}
		return errors.Join(sc.Set("nothing", tensor.New(tensor.Float32)), fault)
	}
	if err := tr.initialise(context.Background(), s); !errors.Is(err, fault) || !strings.Contains(err.Error(), "phase 2 short") || !strings.Contains(err.Error(), `"nothing"`) {
		t.Errorf("%v", err)
	}
	if now := fmt.Sprint(runtest.Must(tr.runner.Get(runtest.Moved)).F32()); now != before {
		t.Errorf("%s is %s, was %s", runtest.Moved, now, before)
	}
}
