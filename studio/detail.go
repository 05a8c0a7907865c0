package studio

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/imago-ml/imago/export/page"
	"github.com/imago-ml/imago/internal/screen"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/train/ckpt"
	"github.com/imago-ml/imago/train/runlog"
)

// A Run is all that the page shows of a run, but for its curves.
type Run struct {
	RunSummary
	About       string          `json:"about"`
	Paper       string          `json:"paper"`
	Config      json.RawMessage `json:"config"`
	Command     string          `json:"command"`
	Processes   []Process       `json:"processes"`
	Warnings    []Warning       `json:"warnings"`
	Earlier     int             `json:"earlierWarnings"` // that are not among them
	Checkpoints []Checkpoint    `json:"checkpoints"`
	Pictures    []picture       `json:"pictures"`
	Can         can             `json:"can"`
	Cannot      string          `json:"cannot"`
	Shape       []int           `json:"shape"`
	Medium      string          `json:"medium"`
	Latent      int             `json:"latent"`
	Labels      []string        `json:"labels"`
	GAN         bool            `json:"gan"`
}

type can struct {
	Encode      bool `json:"encode"`
	Decode      bool `json:"decode"`
	Reconstruct bool `json:"reconstruct"`
	Sample      bool `json:"sample"`
	Classify    bool `json:"classify"`
	Page        bool `json:"page"`
}

// A Process is a call of the training loop.
type Process struct {
	Started   int64    `json:"started"`
	Seconds   number   `json:"seconds"`
	From      int64    `json:"from"`
	Step      int64    `json:"step"`
	Ended     string   `json:"ended"`
	Command   string   `json:"command"`
	Processor string   `json:"processor"`
	Threads   int      `json:"threads"`
	Warnings  []string `json:"warnings"`
}

// A Checkpoint is a moment that a run can be seen at.
type Checkpoint struct {
	Name  string `json:"name"`
	Epoch int    `json:"epoch"`
	Step  int64  `json:"step"`
	When  int64  `json:"when"`
	Best  bool   `json:"best"`
	Bytes int64  `json:"bytes"`
}

// config returns a copy of the configuration of a run.
func (r *runState) config() (runlog.Config, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.run == nil {
		return runlog.Config{}, faultf(http.StatusConflict, "the configuration of %s cannot be read", r.id)
	}
	return r.run.Config, nil
}

// getRun answers with a run, as it is or as it was at a checkpoint.
func (s *Studio) getRun(w http.ResponseWriter, r *http.Request) error {
	run, err := s.open(r)
	if err != nil {
		if sum, ok := s.pending(r.PathValue("id")); ok { // its folder is made when its data are open
			return writeJSON(w, emptyRun(sum))
		}
		return err
	}
	d, err := s.detail(run, r.URL.Query().Get("at"))
	if err != nil {
		return err
	}
	return writeJSON(w, d)
}

// emptyRun returns a run of which no more is known than its row.
func emptyRun(sum RunSummary) *Run {
	return &Run{RunSummary: sum, Config: json.RawMessage("null"), Processes: []Process{}, Warnings: []Warning{}, Checkpoints: []Checkpoint{}, Pictures: []picture{}, Shape: []int{}, Labels: []string{}}
}

// detail returns a run; at is the name of one of its checkpoints, or "".
func (s *Studio) detail(r *runState, at string) (*Run, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := emptyRun(s.summary(r))
	if r.run == nil {
		d.Cannot = d.Fault
		return d, nil
	}
	c := &r.run.Config
	if rec, err := s.opt.Models.Recipe(c.Recipe); err == nil {
		d.About = rec.About
		d.Paper = s.opt.Paper(rec.Name)
	}
	if b, err := c.Encode(""); err == nil {
		d.Config = b
	}
	for _, p := range r.processes {
		q := Process{Started: milliseconds(p.Started), Seconds: number(p.Seconds), From: p.From, Step: p.Step, Ended: p.Ended, Command: commandLine(p.Command), Processor: p.Processor, Threads: p.Threads, Warnings: p.Warnings}
		if q.Warnings == nil {
			q.Warnings = []string{}
		}
		d.Processes = append(d.Processes, q)
	}
	d.Command = "imago train --config " + screen.ShellName(r.folder.Path(runlog.ConfigFile))
	if len(r.processes) > 0 && len(r.processes[0].Command) > 0 {
		d.Command = d.Processes[0].Command
	}
	d.Warnings = append(d.Warnings, r.warnings[max(0, len(r.warnings)-mostWarnings):]...)
	d.Earlier = r.warned - len(d.Warnings)
	d.Checkpoints = r.checkpoints()
	d.Labels = append(d.Labels, c.Data.Labels...)
	var moment *Checkpoint
	if at != "" {
		i := slices.IndexFunc(d.Checkpoints, func(c Checkpoint) bool { return c.Name == at })
		if i < 0 {
			return nil, faultf(http.StatusNotFound, "%s has no checkpoint %q: it may have been replaced by a later one", r.id, at)
		}
		moment = &d.Checkpoints[i]
		if err := s.goBack(r, d, moment); err != nil {
			return nil, err
		}
	}
	d.Pictures = r.pictures(moment)
	s.describeModel(c, d)
	return d, nil
}

// describeModel says what the model of a run can do.
func (s *Studio) describeModel(c *runlog.Config, d *Run) {
	m, err := c.Build(s.opt.Models)
	if err != nil {
		d.Cannot = s.text(err)
		return
	}
	in, err := c.Input(s.opt.Models)
	if err != nil {
		d.Cannot = s.text(err)
		return
	}
	d.Shape, d.Latent = append(d.Shape, in.Item.Shape...), m.Latent
	if in.Item.Medium != nil {
		d.Medium = in.Item.Medium.Name()
	}
	if !m.TakesLabels.Decode && !m.TakesLabels.Sample {
		d.Labels = []string{}
	}
	d.GAN = m.Discriminate != nil
	d.Can = can{m.Encode != nil, m.Decode != nil, m.Reconstruct != nil, m.HasPrior(), m.Classify != nil, true}
	if err := page.Check(in.Item, m); err != nil {
		d.Can.Page, d.Cannot = false, s.text(err)
	}
}

// goBack makes d the run as it was at a checkpoint: what its log says later is left out.
func (s *Studio) goBack(r *runState, d *Run, to *Checkpoint) error {
	d.Step, d.Epoch = to.Step, to.Epoch
	d.Warnings = slices.DeleteFunc(d.Warnings, func(w Warning) bool { return w.Step > to.Step })
	if d.Steps > 0 {
		d.Progress = min(1, float64(d.Step)/float64(d.Steps))
	} else if d.Epochs > 0 {
		d.Progress = min(1, float64(d.Epoch)/float64(d.Epochs))
	}
	if len(r.log.epochs) == 0 {
		return nil
	}
	f, err := r.folder.Open(runlog.MetricsFile)
	if err != nil {
		return err
	}
	defer f.Close()
	upTo, err := between(f, r.log.epochs, 0, to.Step)
	if err != nil || len(upTo) == 0 {
		d.Spark = []number{}
		return err
	}
	l, err := lineAt(f, upTo[len(upTo)-1])
	if err != nil {
		return err
	}
	d.Last, d.Spark = metricsOf(&l), spark(r.losses[:len(upTo)])
	return nil
}

// states are what checkpoints say of themselves, by path: a checkpoint does not change.
var states sync.Map

// checkpoints returns the checkpoints of a run, the oldest first.
func (r *runState) checkpoints() []Checkpoint {
	list := []Checkpoint{}
	in := r.run.Checkpoints()
	names, err := ckpt.List(in)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return list
	}
	var best int64 = -1
	for _, name := range names {
		st, err := in.Stat(name + "/" + ckpt.StateFile)
		if err != nil {
			continue // it was replaced by a later one
		}
		key := in.Path(name) + st.ModTime().String()
		known, ok := states.Load(key)
		if !ok {
			state, err := ckpt.LoadState(in, name)
			if err != nil {
				continue // who opens it is told
			}
			state.Config, state.Extra = nil, nil
			known = state
			states.Store(key, known)
		}
		state := known.(*ckpt.State)
		if state.Best != nil {
			best = state.Best.Step
		}
		list = append(list, Checkpoint{Name: name, Epoch: state.Epoch, Step: state.Step, When: milliseconds(st.ModTime()), Bytes: bytesOf(in, name, 0)})
	}
	for i := range list {
		list[i].Best = list[i].Step == best
	}
	return list
}

// commandLine returns words as a shell takes them.
func commandLine(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = screen.ShellWord(w)
	}
	return strings.Join(quoted, " ")
}

// A Warning is something that goes wrong in a run.
type Warning struct {
	Name     string   `json:"name"`
	Text     string   `json:"text"`
	Epoch    int      `json:"epoch"`
	Step     int64    `json:"step"`
	Remedies []Remedy `json:"remedies"`
}

// A Remedy is a change of options that helps.
type Remedy struct {
	Text    string            `json:"text"`
	Options map[string]string `json:"options"` // nil: a person has to choose the value
}

// warning returns a warning of a line, with the options of a run that helps.
func (s *Studio) warning(_ *runState, l *runlog.Line, w model.Warning) Warning {
	out := Warning{Name: w.Name, Text: screen.Text(w.Text), Epoch: l.Epoch, Step: l.Step, Remedies: []Remedy{}}
	for _, r := range w.Remedies {
		options, values := s.remedyOptions(r)
		text := r.Text(s.opt.OptionName)
		if values != "" {
			text += ": " + values
		}
		out.Remedies = append(out.Remedies, Remedy{Text: screen.Text(text), Options: options})
	}
	return out
}
