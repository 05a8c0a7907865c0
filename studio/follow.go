package studio

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"path"
	"reflect"
	"time"

	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/train/live"
	"github.com/imago-ml/imago/train/runlog"
)

// How often is looked at what, while a page is open and while none is. What a look costs is the stat of a file.
const (
	activeEvery = 100 * time.Millisecond // logs and weights of the runs in training
	folderEvery = time.Second            // everything
	idleEvery   = 5 * time.Second        // everything, with no page open
	rowEvery    = 2 * time.Second        // the row of a run in training is sent, when only its numbers have changed
)

// follow sends events of what changes, until ctx ends.
func (s *Studio) follow(ctx context.Context) {
	tick := time.NewTicker(activeEvery)
	defer tick.Stop()
	var looked time.Time
	for {
		every := idleEvery
		heard := s.events.heard()
		if heard {
			every = folderEvery
			s.followActive()
		}
		if time.Since(looked) >= every {
			s.followAll()
			s.sets.sweep()
			looked = time.Now()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// followAll looks at all runs: at their folders, for changes.
func (s *Studio) followAll() {
	gone, err := s.scan()
	if err != nil {
		return // the folder may come back; who lists it is told
	}
	for _, id := range gone {
		s.events.send(event{Type: "removed", ID: id})
	}
	for _, r := range s.all() {
		r.mu.Lock()
		if r.fixed && r.run != nil {
			r.mu.Unlock()
			continue
		}
		st, err := r.folder.Stat(".")
		if err != nil || r.queued.Swap(false) || r.run == nil || r.active || !st.ModTime().Equal(r.changed) {
			r.refresh(s)
			s.tell(r)
		}
		r.mu.Unlock()
	}
}

// tell sends the row of a run if it is not as it was sent last. The caller has locked the run.
func (s *Studio) tell(r *runState) {
	sum := s.summary(r)
	was := &r.shown
	if sum.State == stateTraining && was.State == sum.State && was.Epoch == sum.Epoch && was.Fault == sum.Fault && time.Since(r.sent) < rowEvery || reflect.DeepEqual(sum, *was) {
		return
	}
	r.shown, r.sent = sum, time.Now()
	s.events.send(event{Type: "run", Run: &sum})
}

// followActive looks at the logs and the weights of the runs in training.
func (s *Studio) followActive() {
	for _, r := range s.all() {
		r.mu.Lock()
		if r.active && r.run != nil {
			s.followLog(r)
			s.followWeights(r)
		}
		r.mu.Unlock()
	}
}

// mostNew is how long the log of a run may be when it is seen first whose training has just begun: its lines are sent.
const mostNew = 1 << 20

// followLog reads what was appended to the log of a run, and sends the lines, but for those that were there before the studio. The caller has
// locked the run.
func (s *Studio) followLog(r *runState) {
	st, err := r.folder.Stat(runlog.MetricsFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return // the training has not come to its first line
	case err != nil:
		r.logFault = err // a link that leads out is not followed
		return
	case st.Size() == r.logSize && st.ModTime().Equal(r.logTime):
		return
	}
	first := r.logTime.IsZero() && (!r.active || st.Size() > mostNew)
	r.logSize, r.logTime = st.Size(), st.ModTime()
	if first {
		r.readLog(s, nil)
		return
	}
	known := r.warned
	r.readLog(s, func(l *runlog.Line) {
		s.events.send(event{Type: "line", ID: r.id, Line: newLogLine(l, r.secondsAt(l))})
	})
	for i := max(0, len(r.warnings)-max(0, r.warned-known)); i < len(r.warnings); i++ {
		s.events.send(event{Type: "warning", ID: r.id, Warning: &r.warnings[i]})
	}
}

// secondsAt returns the seconds of training from the start of a run to its newest line.
func (r *runState) secondsAt(l *runlog.Line) float64 {
	if l.Images <= r.epochImages || l.ImagesPerSec <= 0 {
		return r.epochSeconds
	}
	return r.epochSeconds + float64(l.Images-r.epochImages)/l.ImagesPerSec
}

// followWeights sends that there are newer weights of a run.
func (s *Studio) followWeights(r *runState) {
	st, err := r.folder.Stat(live.Weights)
	if err != nil || st.ModTime().Equal(r.live) {
		return
	}
	r.live = st.ModTime()
	var step int64
	var epoch int
	if r.last != nil {
		step, epoch = r.last.Step, r.last.Epoch
	}
	if n, err := s.models.liveStep(r); err == nil {
		step = n
	}
	s.events.send(event{Type: "weights", ID: r.id, Step: &step, Epoch: &epoch})
}

// postWatch notes which runs a page shows, whose trainings are asked for their weights.
func (s *Studio) postWatch(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Runs []string `json:"runs"`
	}
	if err := readJSON(r, &body); err != nil {
		return err
	}
	for _, id := range body.Runs[:min(len(body.Runs), 16)] {
		run, err := s.find(id)
		if err != nil || run.fixed {
			continue
		}
		run.mu.Lock()
		active := run.active
		run.mu.Unlock()
		if active {
			if err := touch(run.folder, live.Watch); err != nil {
				return err
			}
		}
	}
	return writeJSON(w, struct{}{})
}

// touch makes a file of a run that is as old as now.
func touch(run disk.Folder, name string) error {
	if err := run.Mkdir(path.Dir(name)); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	f, err := run.Append(name)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte{'\n'})
	return errors.Join(err, f.Truncate(0), f.Close())
}
