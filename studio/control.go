package studio

import (
	"errors"
	"net/http"
	"path/filepath"
	"strconv"

	"github.com/imago-ml/imago/internal/process"
)

// interrupt asks the process of a job to save and to end; pause keeps the job. The caller has locked the queue.
func (q *queue) interrupt(j *job, pause bool) error {
	if j.Pause || j.Stop {
		return faultf(http.StatusConflict, "it is saving already, and ends then") // a second request would end it at once
	}
	if !process.Is(j.PID, j.Birth) {
		return faultf(http.StatusConflict, "its process has ended")
	}
	if err := interrupt(j.PID); err != nil {
		return faultf(http.StatusConflict, "it cannot be stopped: %v", err)
	}
	j.Pause, j.Stop = pause, !pause
	q.changed(j)
	return nil
}

// stopRun lets a training save and end, whoever started it.
func (s *Studio) stopRun(w http.ResponseWriter, r *http.Request) error { return s.halt(w, r, false) }

// pauseRun lets a training save and end, and keeps its place among the jobs.
func (s *Studio) pauseRun(w http.ResponseWriter, r *http.Request) error { return s.halt(w, r, true) }

func (s *Studio) halt(w http.ResponseWriter, r *http.Request, pause bool) error {
	id := r.PathValue("id")
	handled, err := s.haltJob(id, pause)
	if err == nil && !handled {
		err = s.haltProcess(id)
	}
	if err != nil {
		return err
	}
	err = s.writeSummary(w, id)
	if f := (*fault)(nil); handled && errors.As(err, &f) && f.status == http.StatusNotFound { // its job ended before there was a run
		return writeJSON(w, nil)
	}
	return err
}

// haltJob stops or pauses the job of a run, and reports whether it has one.
func (s *Studio) haltJob(id string, pause bool) (bool, error) {
	q := s.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	j := q.openJob(id)
	if j == nil {
		return false, nil
	}
	switch {
	case j.State == jobRunning:
		return true, q.interrupt(j, pause)
	case pause:
		j.State = jobPaused
	default:
		j.State = jobDone
	}
	q.changed(j)
	return true, nil
}

// haltProcess asks the process to save and to end that trains a run and is none of the studio's. It does so once: a second request
// would end it before it has saved.
func (s *Studio) haltProcess(id string) error {
	run, err := s.find(id)
	if err != nil {
		return err
	}
	run.mu.Lock()
	defer run.mu.Unlock()
	n := len(run.processes)
	if !run.active || n == 0 {
		return faultf(http.StatusConflict, "%s is not being trained", id)
	}
	p := run.processes[n-1]
	switch {
	case !p.Running():
		return faultf(http.StatusConflict, "%s is trained on another machine: stop it there", id)
	case !isLocked(run.folder):
		return faultf(http.StatusConflict, "no process has the lock of %s, so none is stopped", id)
	case run.halted == p.PID:
		return faultf(http.StatusConflict, "it is saving already, and ends then")
	}
	if err := interrupt(p.PID); err != nil {
		return faultf(http.StatusConflict, "it cannot be stopped: %v", err)
	}
	run.halted = p.PID
	return nil
}

// resumeArgs returns the command line that goes on with a run, with options.
func (s *Studio) resumeArgs(id string, options []string) []string {
	return append([]string{"train", "--resume=" + filepath.Join(s.opt.Folder, id)}, options...)
}

// resumeRun goes on with a training, also with one that is complete if it is to be longer.
func (s *Studio) resumeRun(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Epochs *int `json:"epochs"`
		Steps  *int `json:"steps"`
	}
	if r.ContentLength != 0 {
		if err := readJSON(r, &body); err != nil {
			return err
		}
	}
	id := r.PathValue("id")
	var options []string
	for _, o := range []struct {
		name  string
		value *int
	}{{"epochs", body.Epochs}, {"steps", body.Steps}} {
		if o.value != nil {
			options = append(options, "--"+o.name+"="+strconv.Itoa(*o.value))
		}
	}
	if len(options) == 2 {
		return faultf(http.StatusBadRequest, "both epochs and steps: want one of them, which is the length of the run in all")
	}
	q := s.queue
	q.mu.Lock()
	if j := q.openJob(id); j != nil {
		if j.State != jobPaused {
			defer q.mu.Unlock()
			return faultf(http.StatusConflict, "%s is %s", id, map[string]string{jobWaiting: "waiting for its turn", jobRunning: "being trained"}[j.State])
		}
		j.State = jobWaiting
		if len(options) > 0 {
			j.Args = s.resumeArgs(id, options)
		}
		q.changed(j)
		q.mu.Unlock()
		return s.writeSummary(w, id)
	}
	q.mu.Unlock()
	run, err := s.find(id)
	if err != nil {
		return err
	}
	run.mu.Lock()
	active, fixed, broken := run.active, run.fixed, run.run == nil
	recipe, source := "", ""
	if run.run != nil {
		recipe, source = run.run.Config.Recipe, run.run.Config.Data.Source
	}
	state := ""
	if !broken {
		state = s.stateHere(run)
	}
	run.mu.Unlock()
	switch {
	case fixed:
		return faultf(http.StatusConflict, "%s is a part of imago, and is not trained further: start a run that begins with its weights", id)
	case active:
		return faultf(http.StatusConflict, "%s is being trained", id)
	case broken:
		return faultf(http.StatusConflict, "the configuration of %s cannot be read", id)
	case state == stateComplete && len(options) == 0:
		return faultf(http.StatusConflict, "%s is complete: say how long it is to be in all, by epochs or steps", id)
	}
	j := &job{Job: Job{Kind: jobTrain, Run: id}, Args: s.resumeArgs(id, options), Recipe: recipe, Data: source}
	j.Command = s.command(j.Args)
	if _, err := q.add(j); err != nil {
		return err
	}
	return s.writeSummary(w, id)
}

// writeSummary answers with the row of a run.
func (s *Studio) writeSummary(w http.ResponseWriter, id string) error {
	run, err := s.find(id)
	if err != nil {
		if sum, ok := s.pending(id); ok {
			return writeJSON(w, sum)
		}
		return err
	}
	run.mu.Lock()
	defer run.mu.Unlock()
	s.tell(run) // to the other pages
	return writeJSON(w, run.shown)
}
