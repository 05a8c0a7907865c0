package studio

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/imago-ml/imago/internal/screen"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/train/runlog"
)

// A checked is what is known of a training before it begins.
type checked struct {
	Errors     []fieldFault `json:"errors"`
	Notes      []string     `json:"notes"`
	Command    string       `json:"command"`
	Name       string       `json:"name"`
	Memory     *int64       `json:"memory"`
	Seconds    *float64     `json:"seconds"`
	Parameters *int64       `json:"parameters"`
	Items      *int         `json:"items"`
}

// checkTime is how long the command may take to look at its data before the form is answered without.
const checkTime = 20 * time.Second

// checkJob says whether a training could begin: imago train --dry-run is asked, in a process of its own, so that what a file
// claims takes no memory here.
func (s *Studio) checkJob(w http.ResponseWriter, r *http.Request) error {
	var v wanted
	if err := readJSON(r, &v); err != nil {
		return err
	}
	c := checked{Errors: []fieldFault{}, Notes: []string{}}
	args, name, err := s.arguments(&v)
	if f := (*fault)(nil); errors.As(err, &f) {
		c.Errors = append(c.Errors, f.Fields...)
		if len(f.Fields) == 0 {
			c.Errors = append(c.Errors, fieldFault{"", f.Title})
		}
		return writeJSON(w, c)
	}
	if err != nil {
		return err
	}
	if s.opt.Command == nil {
		return faultf(http.StatusConflict, "this studio starts no trainings")
	}
	c.Command, c.Name = s.command(args), name
	out, messages, err := s.dryRun(r.Context(), args)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		c.Notes = append(c.Notes, "The data take long to read: the rest is checked when the training begins.")
	case r.Context().Err() != nil:
		return r.Context().Err()
	case err != nil:
		c.Errors = append(c.Errors, faultsOf(messages)...)
	default:
		s.readDryRun(&c, &v, out, messages)
	}
	return writeJSON(w, c)
}

// dryRun runs a command with --dry-run.
func (s *Studio) dryRun(ctx context.Context, args []string) (out []byte, messages string, err error) {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	cmd := s.opt.Command(append(slices.Clone(args), "--dry-run")...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = nil, &stdout, &stderr
	if err := cmd.Start(); err != nil {
		return nil, "", err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err = <-ended:
	case <-ctx.Done():
		_ = cmd.Process.Kill() // it has ended if that fails
		<-ended
		err = ctx.Err()
	}
	if e := (*exec.ExitError)(nil); err != nil && !errors.As(err, &e) {
		return nil, "", err
	}
	return stdout.Bytes(), stderr.String(), err
}

var (
	flagName   = regexp.MustCompile(`--([a-z][a-z0-9-]*)`)
	memoryLine = regexp.MustCompile(`^memory: ([0-9.]+) (B|kB|MB|GB|TB) `)
	seeHelp    = regexp.MustCompile(`; see imago [a-z ]+ --help$`)
)

// faultsOf returns the error that a command has printed, by the flag that it names first.
func faultsOf(messages string) []fieldFault {
	lines := strings.Split(strings.TrimSpace(messages), "\n")
	text := strings.TrimPrefix(lines[len(lines)-1], "imago: ")
	text = screen.Text(seeHelp.ReplaceAllString(text, ""))
	field := ""
	if m := flagName.FindStringSubmatch(text); m != nil {
		field = m[1]
	}
	return []fieldFault{{field, text}}
}

// readDryRun notes what a command has printed that would train.
func (s *Studio) readDryRun(c *checked, v *wanted, out []byte, messages string) {
	for line := range strings.Lines(messages) {
		line = strings.TrimSpace(line)
		m := memoryLine.FindStringSubmatch(line)
		switch {
		case m != nil:
			if n, err := strconv.ParseFloat(m[1], 64); err == nil {
				bytes := int64(n * map[string]float64{"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}[m[2]])
				c.Memory = &bytes
			}
		case line != "" && !strings.HasPrefix(line, "objective: "):
			c.Notes = append(c.Notes, screen.Text(strings.TrimPrefix(line, "imago: ")))
		}
	}
	config, err := runlog.Decode(out)
	if err != nil {
		return // the command has found it good
	}
	c.Items = &config.Data.Train
	if m, err := config.Build(s.opt.Models); err == nil {
		n := int64(nn.Count(m.Params))
		c.Parameters = &n
	}
	if speed := s.speed(&config); speed > 0 {
		seconds := float64(config.TotalImages()) / speed
		c.Seconds = &seconds
	}
}

// mostSpeeds is of how many runs the speed is known by which the time of another is reckoned.
const mostSpeeds = 5

// speed returns how many items a second runs of the same recipe on items of the same shape were trained on, on this machine: the
// median of the newest ones, as one may have run beside other work; 0 if there were none.
func (s *Studio) speed(c *runlog.Config) float64 {
	type seen struct {
		trained int64
		speed   float64
	}
	var like []seen
	for _, r := range s.all() {
		r.mu.Lock()
		if r.run != nil && !r.fixed && r.lastEpoch != nil && r.lastEpoch.Seconds > 0 && r.epochSeconds > 0 {
			o := &r.run.Config
			if o.Recipe == c.Recipe && slices.Equal(o.Data.Item.Shape, c.Data.Item.Shape) && bytes.Equal(o.Model, c.Model) {
				like = append(like, seen{milliseconds(r.trained()), float64(r.epochImages) / r.epochSeconds})
			}
		}
		r.mu.Unlock()
	}
	if len(like) == 0 {
		return 0
	}
	slices.SortFunc(like, func(a, b seen) int { return cmp.Compare(b.trained, a.trained) })
	like = like[:min(len(like), mostSpeeds)]
	slices.SortFunc(like, func(a, b seen) int { return cmp.Compare(b.speed, a.speed) })
	return like[len(like)/2].speed
}
