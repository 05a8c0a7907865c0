package studio

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/internal/process"
	"github.com/imago-ml/imago/internal/screen"
	"github.com/imago-ml/imago/internal/zoo"
	"github.com/imago-ml/imago/train/runlog"
)

// The kinds and the states of jobs.
const (
	jobTrain = "train"
	jobEval  = "eval"

	jobWaiting = "waiting"
	jobRunning = "running"
	jobPaused  = "paused"
	jobDone    = "done"
	jobFailed  = "failed"
)

// A Job is a training or an evaluation, as the page has it.
type Job struct {
	ID      string `json:"id"`
	Kind    string `json:"kind"`
	Run     string `json:"run"`
	State   string `json:"state"`
	Command string `json:"command"` // as a person would type it
	Added   int64  `json:"added"`
	Text    string `json:"text"` // the last line that it printed
}

// A job is a Job with what the studio has to know of it. It is kept in a file, so that the next studio goes on.
type job struct {
	Job
	Args   []string `json:"args"`              // of this program
	Recipe string   `json:"recipe,omitempty"`  // of a new run
	Data   string   `json:"data,omitempty"`    // likewise
	PID    int      `json:"pid,omitempty"`     // of the process, while it runs
	Birth  string   `json:"birth,omitempty"`   // process.Birth of it
	Pause  bool     `json:"pausing,omitempty"` // it was sent to save and end, to go on later
	Stop   bool     `json:"stopping,omitempty"`

	ended chan struct{} // closed when a process that this studio started has ended; nil of another one
	code  int           // its exit status
}

// A queue is the jobs of a folder, one of which runs at a time. The one that runs goes on when the studio ends.
type queue struct {
	s    *Studio
	mu   sync.Mutex
	jobs []*job
	wake chan struct{}
}

const (
	queueFile   = "queue.json"
	logsFolder  = "logs"
	mostQueue   = 16 << 20 // bytes of the file
	keptJobs    = 30       // of those that have ended
	mostWaiting = 200
	jobEvery    = 500 * time.Millisecond // between two looks at what runs
)

// newQueue reads the queue of a folder. A file that cannot be read is an error: it would be replaced.
func newQueue(s *Studio) (*queue, error) {
	q := &queue{s: s, wake: make(chan struct{}, 1)}
	b, err := s.own.ReadFile(queueFile, mostQueue)
	if errors.Is(err, fs.ErrNotExist) {
		return q, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &q.jobs)
	}
	if err != nil {
		return nil, fmt.Errorf("studio: %s: %w; mend it, or move it away: it has the trainings that wait", s.own.Path(queueFile), err)
	}
	q.jobs = slices.DeleteFunc(q.jobs, func(j *job) bool { return j == nil || !validID(j.ID) })
	return q, nil
}

// save writes the queue. The caller has locked it.
func (q *queue) save() {
	ended := 0
	for i := len(q.jobs) - 1; i >= 0; i-- {
		if s := q.jobs[i].State; s == jobDone || s == jobFailed {
			if ended++; ended > keptJobs {
				_ = q.s.own.Remove(q.jobs[i].log()) // it may be gone already
				q.jobs = slices.Delete(q.jobs, i, i+1)
			}
		}
	}
	b, err := json.MarshalIndent(q.jobs, "", "  ")
	if err == nil {
		err = atomicfile.WriteBytesIn(q.s.own, queueFile, append(b, '\n'))
	}
	if err != nil {
		q.s.logf("the queue cannot be kept: %s", q.s.text(err))
	}
}

// log returns the name of the file of what a job prints.
func (j *job) log() string { return path.Join(logsFolder, j.ID+".log") }

// runs reports whether the process of a job is there.
func (j *job) runs() bool {
	if j.ended != nil {
		select {
		case <-j.ended:
			return false
		default:
			return true
		}
	}
	return process.Is(j.PID, j.Birth)
}

// add appends a job and returns it.
func (q *queue) add(j *job) (Job, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting := 0
	for _, other := range q.jobs {
		if other.State == jobWaiting {
			waiting++
		}
	}
	if waiting >= mostWaiting {
		return Job{}, faultf(http.StatusTooManyRequests, "%d jobs wait already: remove some first", waiting)
	}
	j.ID, j.State, j.Added = strings.ToLower(rand.Text()[:12]), jobWaiting, time.Now().UnixMilli()
	q.jobs = append(q.jobs, j)
	q.changed(j)
	return j.Job, nil
}

// changed keeps a change of a job, tells the pages, and lets the queue look at what is next. The caller has locked it.
func (q *queue) changed(j *job) {
	q.save()
	sent := j.Job
	q.s.events.send(event{Type: "job", Job: &sent})
	if j.Kind == jobTrain {
		q.s.jobChanged(j)
	}
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// jobChanged lets the row of the run of a job be told anew, and tells that there is none if its training ended, or was removed,
// before it had a folder.
func (s *Studio) jobChanged(j *job) {
	s.mu.Lock()
	r := s.runs[j.Run]
	s.mu.Unlock()
	if r != nil {
		r.queued.Store(true)
	} else if has, err := s.folder.Exists(j.Run); !has && err == nil && (j.State == jobDone || j.State == jobFailed) {
		s.events.send(event{Type: "removed", ID: j.Run})
	}
}

// list returns the jobs, those that wait in their order.
func (q *queue) list() []Job {
	q.mu.Lock()
	defer q.mu.Unlock()
	list := []Job{}
	for _, j := range q.jobs {
		list = append(list, j.Job)
	}
	return list
}

// openJob returns the last job of a run that has not ended; the caller has locked the queue.
func (q *queue) openJob(run string) *job {
	for _, j := range slices.Backward(q.jobs) {
		if j.Run == run && j.Kind == jobTrain && j.State != jobDone && j.State != jobFailed {
			return j
		}
	}
	return nil
}

// stateOf returns the state of the job of a run that has not ended, "" of none.
func (q *queue) stateOf(run string) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	if j := q.openJob(run); j != nil {
		return j.State
	}
	return ""
}

// work starts what waits when nothing runs, and notes what has ended, until ctx ends.
func (q *queue) work(ctx context.Context) {
	tick := time.NewTicker(jobEvery)
	defer tick.Stop()
	for {
		q.look()
		select {
		case <-ctx.Done():
			return
		case <-q.wake:
		case <-tick.C:
		}
	}
}

// look notes what has ended and what was printed, and starts what is next.
func (q *queue) look() {
	q.mu.Lock()
	defer q.mu.Unlock()
	busy := false
	for _, j := range q.jobs {
		if j.State != jobRunning {
			continue
		}
		if text := q.s.lastLine(j); text != j.Text {
			j.Text = text
			sent := j.Job
			q.s.events.send(event{Type: "job", Job: &sent})
		}
		if j.runs() {
			busy = true
			continue
		}
		q.end(j)
	}
	if busy {
		return
	}
	for _, j := range q.jobs {
		if j.State != jobWaiting {
			continue
		}
		if q.start(j) {
			return
		}
	}
}

// start starts the process of a job, and reports whether it runs.
func (q *queue) start(j *job) bool {
	if !q.s.mayStart(j) {
		j.State, j.Text = jobFailed, "its command is none that this studio makes for a run of its folder, so it is not started: start the training anew"
		q.changed(j)
		return false
	}
	pid, ended, err := q.s.spawn(j.Args, j.log(), func(code int) { j.code = code })
	if err != nil {
		j.State, j.Text = jobFailed, q.s.text(err)
		q.changed(j)
		return false
	}
	j.State, j.PID, j.Birth, j.ended, j.Pause, j.Stop, j.Text = jobRunning, pid, process.Birth(pid), ended, false, false, ""
	q.changed(j)
	return true
}

// mayStart reports whether the command of a job is one that the studio makes, for a run of its folder and with options of the
// recipe alone: the file of the queue may have come with the folder, from a stranger.
func (s *Studio) mayStart(j *job) bool {
	if !validID(j.Run) || len(j.Args) < 2 {
		return false
	}
	run, rest := filepath.Join(s.opt.Folder, j.Run), j.Args[2:]
	known := []Option{{Name: "epochs"}, {Name: "steps"}}
	switch {
	case j.Kind == jobEval:
		return slices.Equal(j.Args, []string{"eval", run})
	case j.Kind != jobTrain || j.Args[0] != "train":
		return false
	case j.Args[1] == "--resume="+run:
	default:
		if len(rest) < 3 || rest[1] != "--name="+j.Run || rest[2] != "--out="+s.opt.Folder {
			return false
		}
		name, is := strings.CutPrefix(rest[0], "--data=")
		source, err := s.source(name)
		if !is || err != nil || source != name {
			return false
		}
		if known, err = s.options(j.Args[1]); err != nil {
			return false
		}
		rest = rest[3:]
	}
	return !slices.ContainsFunc(rest, func(a string) bool {
		word, is := strings.CutPrefix(a, "--")
		name, value, _ := strings.Cut(word, "=")
		if name == "init" && (filepath.Dir(value) == s.opt.Folder || strings.HasPrefix(value, zoo.Scheme)) {
			return false
		}
		return !is || !slices.ContainsFunc(known, func(o Option) bool { return o.Name == name })
	})
}

// end notes how a job has ended.
func (q *queue) end(j *job) {
	j.Text = q.s.lastLine(j)
	switch ended := q.s.howEnded(j); {
	case j.Pause && ended == runlog.Interrupted:
		j.State = jobPaused
		if has, err := q.s.folder.Sub(j.Run).Exists(runlog.ConfigFile); has && err == nil { // else it had not begun
			j.Args = q.s.resumeArgs(j.Run, nil)
		}
	case ended == runlog.Complete, ended == runlog.Interrupted:
		j.State = jobDone
	default:
		j.State = jobFailed
		if ended != "" {
			j.Text = screen.Text(ended)
		}
	}
	j.PID, j.Birth, j.ended, j.Pause, j.Stop = 0, "", nil, false, false
	q.changed(j)
}

// leave says which trainings go on when the studio ends, or ends them: they are paused then, and wait for the next one.
func (q *queue) leave(stop bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, j := range q.jobs {
		if j.State != jobRunning || !j.runs() {
			continue
		}
		if !stop {
			q.s.logf("%s goes on without the studio, as process %d", screen.Name(j.Run), j.PID)
			continue
		}
		if err := q.interrupt(j, true); err != nil {
			q.s.logf("%s: %s", screen.Name(j.Run), q.s.text(err))
			continue
		}
		q.s.logf("%s is saved and ends; the next studio can resume it", screen.Name(j.Run))
		for range int(leaveTime / (50 * time.Millisecond)) {
			if !j.runs() {
				q.end(j)
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
}

// leaveTime is how long the end of the studio waits for the end of a training.
const leaveTime = time.Minute

// getJobs lists the jobs.
func (s *Studio) getJobs(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, s.queue.list())
}

// removeJob takes a job out of the queue; one that runs is stopped.
func (s *Studio) removeJob(w http.ResponseWriter, r *http.Request) error {
	q := s.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	i, err := q.index(r.PathValue("id"))
	if err != nil {
		return err
	}
	j := q.jobs[i]
	if j.State == jobRunning {
		if err := q.interrupt(j, false); err != nil {
			return err
		}
		return writeJSON(w, j.Job)
	}
	q.jobs = slices.Delete(q.jobs, i, i+1)
	_ = s.own.Remove(j.log()) // there is none of a job that has not begun
	j.State = jobDone
	q.changed(j)
	return writeJSON(w, j.Job)
}

// index returns the place of a job. The caller has locked the queue.
func (q *queue) index(id string) (int, error) {
	i := slices.IndexFunc(q.jobs, func(j *job) bool { return j.ID == id })
	if i < 0 {
		return 0, faultf(http.StatusNotFound, "there is no job %q: it may have been removed", id)
	}
	return i, nil
}

// moveJob puts a job that waits before another one, or last.
func (s *Studio) moveJob(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Before *string `json:"before"`
	}
	if err := readJSON(r, &body); err != nil {
		return err
	}
	q := s.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	i, err := q.index(r.PathValue("id"))
	if err != nil {
		return err
	}
	j := q.jobs[i]
	rest := slices.Delete(slices.Clone(q.jobs), i, i+1)
	to := len(rest)
	if body.Before != nil && *body.Before != j.ID {
		if to = slices.IndexFunc(rest, func(j *job) bool { return j.ID == *body.Before }); to < 0 {
			return faultf(http.StatusNotFound, "there is no job %q: it may have been removed", *body.Before)
		}
	}
	q.jobs = slices.Insert(rest, to, j)
	q.changed(j)
	s.events.send(event{Type: "reset"}) // the order is in no other event
	return writeJSON(w, j.Job)
}
