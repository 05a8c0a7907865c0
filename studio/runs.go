package studio

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/internal/zoo"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train/runlog"
)

// The states of runs.
const (
	stateTraining = "training"
	stateWaiting  = "waiting"
	statePaused   = "paused"
	stateStopped  = "stopped"
	stateComplete = "complete"
	stateFailed   = "failed"
	stateDamaged  = "damaged"
	stateModel    = "model" // it is not trained here: a part of imago, or imported
)

// Metrics are by the names of the log.
type Metrics map[string]number

// A RunSummary is a row of the table of runs.
type RunSummary struct {
	ID        string   `json:"id"`
	Recipe    string   `json:"recipe"`
	Kind      string   `json:"kind"`
	Data      string   `json:"data"`
	State     string   `json:"state"`
	Epoch     int      `json:"epoch"`
	Epochs    int      `json:"epochs"`
	Step      int64    `json:"step"`
	Steps     int      `json:"steps"`
	Progress  float64  `json:"progress"`
	Trained   int64    `json:"trained"`
	Seconds   float64  `json:"seconds"`
	Remaining *float64 `json:"remaining"`
	Bytes     int64    `json:"bytes"`
	Best      Metrics  `json:"best"`
	Last      Metrics  `json:"last"`
	Spark     []number `json:"spark"`
	Thumbnail *string  `json:"thumbnail"`
	Tags      []string `json:"tags"`
	Note      string   `json:"note"`
	Fault     string   `json:"fault"`
}

// A runState is what is known of a run.
type runState struct {
	id     string
	folder disk.Folder
	fixed  bool // a part of imago, which does not change

	mu           sync.Mutex
	changed      time.Time // when the folder changed that was looked at last
	logSize      int64
	logTime      time.Time
	run          *runlog.Run
	fault        error // why it cannot be shown
	logFault     error // why its log cannot be read on
	log          logFile
	last         *runlog.Line // of all lines
	best         *runlog.Line // of the epochs; as runlog.BestEpoch
	lastEpoch    *runlog.Line
	losses       []float64 // of the epochs, for the sparkline
	seconds      []float64 // of training until the end of each epoch
	epochImages  int64     // trained on until the last epoch line
	epochSeconds float64   // of training until then
	warnings     []Warning // the newest
	warned       int       // all of the log
	processes    []runlog.Process
	records      []eval.Record
	bytes        int64
	thumbnail    string
	active       bool        // a process trains it
	halted       int         // the process that was asked to end
	queued       atomic.Bool // its job has changed since its row was told
	live         time.Time
	shown        RunSummary // as it was sent last, at sent
	sent         time.Time
}

// open returns the run of an id, which is that of a request.
func (s *Studio) open(r *http.Request) (*runState, error) { return s.find(r.PathValue("id")) }

// pending returns the row of a run that a job is to make.
func (s *Studio) pending(id string) (RunSummary, bool) {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	j := s.queue.openJob(id)
	if j == nil {
		return RunSummary{}, false
	}
	sum := RunSummary{ID: id, Recipe: j.Recipe, Data: path.Base(filepath.ToSlash(j.Data)), Best: Metrics{}, Last: Metrics{}, Spark: []number{}, Tags: []string{}, State: stateWaiting, Trained: j.Added}
	if rec, err := s.opt.Models.Recipe(j.Recipe); err == nil {
		sum.Kind, sum.Epochs, sum.Steps = rec.Kind, rec.Train.Epochs, rec.Train.Steps
	}
	for _, a := range j.Args {
		for name, to := range map[string]*int{"--epochs=": &sum.Epochs, "--steps=": &sum.Steps} {
			if n, err := strconv.Atoi(strings.TrimPrefix(a, name)); err == nil && strings.HasPrefix(a, name) {
				sum.Epochs, sum.Steps = 0, 0
				*to = n
			}
		}
	}
	if j.State == jobPaused {
		sum.State = statePaused
	}
	return sum, true
}

// find returns the run of an id.
func (s *Studio) find(id string) (*runState, error) {
	s.mu.Lock()
	have := s.runs[id]
	s.mu.Unlock()
	if have == nil && validID(id) {
		if st, err := s.folder.Stat(id); err == nil && st.IsDir() {
			have = s.add(id)
		}
	}
	if have == nil {
		return nil, faultf(http.StatusNotFound, "there is no run %q in %s", id, s.opt.Folder)
	}
	have.mu.Lock()
	defer have.mu.Unlock()
	have.refresh(s)
	if errors.Is(have.fault, fs.ErrNotExist) {
		return nil, faultf(http.StatusNotFound, "there is no run %q in %s", id, s.opt.Folder)
	}
	return have, nil
}

// validID reports whether an id can be that of a run in the folder: a name, not a path, and not that of a hidden folder.
func validID(id string) bool {
	return id != "" && len(id) <= 255 && !strings.HasPrefix(id, ".") && !strings.ContainsAny(id, "/\\\x00") && filepath.IsLocal(id)
}

// add returns the state of a run of the folder, which is new.
func (s *Studio) add(id string) *runState {
	s.mu.Lock()
	defer s.mu.Unlock()
	if have := s.runs[id]; have != nil {
		return have
	}
	r := &runState{id: id, folder: s.folder.Sub(id)}
	r.log.dir = r.folder
	s.runs[id] = r
	return r
}

// addZoo adds the models that imago brings along.
func (s *Studio) addZoo() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range zoo.Models() {
		if s.runs[m.Path()] == nil {
			r := &runState{id: m.Path(), folder: disk.At(m.Path()), fixed: true}
			r.log.dir = r.folder
			s.runs[m.Path()] = r
		}
	}
}

// scan finds the runs of the folder, and returns those that are new or gone.
func (s *Studio) scan() (gone []string, err error) {
	s.addZoo()
	entries, err := os.ReadDir(s.opt.Folder)
	if err != nil {
		return nil, fmt.Errorf("studio: %w", err)
	}
	there := map[string]bool{}
	for _, e := range entries {
		if !validID(e.Name()) || !e.IsDir() && e.Type()&fs.ModeSymlink == 0 {
			continue
		}
		s.mu.Lock()
		known := s.runs[e.Name()] != nil
		s.mu.Unlock()
		if !known {
			if has, err := s.folder.Sub(e.Name()).Exists(runlog.ConfigFile); !has && !errors.Is(err, disk.ErrEscapes) {
				continue
			}
			s.add(e.Name())
		}
		there[e.Name()] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, r := range s.runs {
		if !r.fixed && !there[id] {
			delete(s.runs, id)
			gone = append(gone, id)
		}
	}
	return gone, nil
}

// all returns all runs.
func (s *Studio) all() []*runState {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*runState, 0, len(s.runs))
	for _, r := range s.runs {
		all = append(all, r)
	}
	return all
}

// getRuns lists the runs.
func (s *Studio) getRuns(w http.ResponseWriter, _ *http.Request) error {
	if _, err := s.scan(); err != nil {
		return err
	}
	list := s.summaries()
	known := map[string]bool{}
	for _, sum := range list {
		known[sum.ID] = true
	}
	for _, j := range slices.Backward(s.queue.list()) {
		if sum, ok := s.pending(j.Run); ok && !known[j.Run] {
			known[j.Run] = true
			list = slices.Insert(list, 0, sum)
		}
	}
	return writeJSON(w, list)
}

// summaries returns all runs, the one trained last first, what imago brings along last.
func (s *Studio) summaries() []RunSummary {
	runs := s.all()
	list := make([]RunSummary, len(runs))
	var work sync.WaitGroup
	free := make(chan struct{}, 2*runtime.GOMAXPROCS(0)) // reading waits for the disk too
	for i, r := range runs {
		work.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			r.mu.Lock()
			defer r.mu.Unlock()
			r.refresh(s)
			list[i] = s.summary(r)
		})
	}
	work.Wait()
	slices.SortFunc(list, func(a, b RunSummary) int {
		zooA, zooB := strings.HasPrefix(a.ID, zoo.Scheme), strings.HasPrefix(b.ID, zoo.Scheme)
		switch {
		case zooA != zooB && zooA:
			return 1
		case zooA != zooB:
			return -1
		}
		return cmp.Or(cmp.Compare(b.Trained, a.Trained), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// refresh reads what has changed of a run: what is in the folder if the folder has changed, and what was appended to its log.
func (r *runState) refresh(s *Studio) {
	st, err := r.folder.Stat(".")
	if err != nil {
		r.fault = err
		return
	}
	whole := r.run == nil || !st.ModTime().Equal(r.changed)
	if whole && !(r.fixed && r.run != nil) {
		r.readFolder(st.ModTime())
	}
	if r.run == nil {
		return
	}
	if r.active && !whole {
		r.active = trains(r) // it may have been killed
	}
	s.followLog(r)
}

// tick is how long a change of a folder may have the same time as the one before, on coarse file systems.
const tick = 2 * time.Second

// readFolder reads all of a run but its log.
func (r *runState) readFolder(changed time.Time) {
	r.fault = nil
	run, err := runlog.OpenIn(r.folder, "")
	if err != nil {
		r.fault = err
		return
	}
	r.run, r.changed = run, changed
	if time.Since(changed) < tick { // another change may have the same time
		r.changed = time.Time{}
	}
	if r.processes, err = run.Processes(); err != nil {
		r.fault = err
	}
	r.records = nil
	if r.records, err = eval.ReadRecords(r.folder.Path(eval.RecordsFile)); err != nil {
		r.fault = err
	}
	r.active = !r.fixed && trains(r)
	r.bytes = bytesOf(r.folder, ".", 4)
	r.thumbnail = r.findThumbnail()
}

// bytesOf returns the bytes of the files in a folder, so many folders deep; files that cannot be read count nothing.
func bytesOf(f disk.Folder, name string, depth int) (n int64) {
	entries, err := f.ReadDir(name)
	if err != nil {
		return 0
	}
	for _, e := range entries {
		if e.IsDir() && depth > 0 {
			n += bytesOf(f, path.Join(name, e.Name()), depth-1)
		} else if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			n += info.Size()
		}
	}
	return n
}

// readLog reads what was appended to the log, and calls each with each new line if it is not nil.
func (r *runState) readLog(s *Studio, each func(l *runlog.Line)) {
	var newest []byte // of many lines of steps and intervals only the last counts
	err := r.log.read(r.forgetLines, func(kind string, b []byte) error {
		if each == nil && kind != runlog.EpochLine && !bytes.Contains(b, warningsField) {
			newest = append(newest[:0], b...)
			return nil
		}
		l, err := decodeLine(b)
		if err != nil {
			return err
		}
		newest = newest[:0]
		r.takeLine(s, &l)
		if each != nil {
			each(&l)
		}
		return nil
	})
	if err == nil && len(newest) > 0 {
		var l runlog.Line
		if l, err = decodeLine(newest); err == nil {
			r.last = &l
		}
	}
	r.logFault = nil
	if err != nil {
		r.logFault = fmt.Errorf("%s: %w", r.folder.Path(runlog.MetricsFile), err)
	}
}

// warningsField is in each line that has warnings.
var warningsField = []byte(`"warnings"`)

// mostWarnings is the number of warnings of a run that are kept, the newest; the others are counted.
const mostWarnings = 1000

// forgetLines makes a run as one without lines.
func (r *runState) forgetLines() {
	r.last, r.best, r.lastEpoch, r.losses, r.seconds, r.warnings, r.warned = nil, nil, nil, nil, nil, nil, 0
	r.epochImages, r.epochSeconds = 0, 0
}

// takeLine notes what a line says.
func (r *runState) takeLine(s *Studio, l *runlog.Line) {
	r.last = l
	for _, w := range l.Warnings {
		r.warnings = append(r.warnings, s.warning(r, l, w))
		r.warned++
		if len(r.warnings) == 2*mostWarnings {
			r.warnings = slices.Clone(r.warnings[mostWarnings:])
		}
	}
	if l.Kind != runlog.EpochLine {
		return
	}
	r.lastEpoch = l
	r.epochImages, r.epochSeconds = l.Images, r.epochSeconds+l.Seconds
	if l.Best || r.best == nil || !r.best.Best {
		r.best = l
	}
	r.losses, r.seconds = append(r.losses, lossOf(l)), append(r.seconds, r.epochSeconds)
}

// lossOf returns the number of an epoch that the sparkline shows: the loss on test or validation items, else that of the generator.
func lossOf(l *runlog.Line) float64 {
	for _, name := range []string{eval.TestLoss, "validation_loss"} {
		if v, ok := l.Metric(name); ok {
			return v
		}
	}
	for _, name := range []string{model.GLoss, model.Loss} {
		if v, ok := l.Train[name]; ok {
			return v
		}
	}
	return math.NaN()
}
