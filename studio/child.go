package studio

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os/exec"
	"path"
	"slices"
	"strings"

	"github.com/imago-ml/imago/internal/screen"
	"github.com/imago-ml/imago/train/runlog"
)

// howEnded returns how the process of a job has ended: as its run says, or by its exit status; "" if neither says it.
func (s *Studio) howEnded(j *job) string {
	if j.Kind == jobTrain {
		if all, err := runlog.ProcessesIn(s.folder.Sub(j.Run)); err == nil && len(all) > 0 && all[len(all)-1].PID == j.PID {
			return all[len(all)-1].Ended
		}
	}
	switch {
	case j.ended != nil && j.code == 0, j.ended == nil && !strings.HasPrefix(j.Text, "imago: "):
		return runlog.Complete
	case j.Stop || j.Pause:
		return runlog.Interrupted
	}
	return ""
}

// lastLine returns the last line that a job has printed.
func (s *Studio) lastLine(j *job) string {
	f, err := s.own.Open(j.log())
	if err != nil {
		return ""
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return ""
	}
	b := make([]byte, 4<<10)
	n, _ := f.ReadAt(b, max(0, st.Size()-int64(len(b)))) // a part is enough
	lines := strings.FieldsFunc(string(b[:n]), func(r rune) bool { return r == '\n' || r == '\r' })
	for _, l := range slices.Backward(lines) {
		if l = strings.TrimSpace(l); l != "" {
			return screen.Text(l)
		}
	}
	return ""
}

// spawn starts this program with arguments as a process that outlives the studio, at a low priority, and what it prints in a file.
// ended is closed when it has ended, after exited was called with its status.
func (s *Studio) spawn(args []string, log string, exited func(code int)) (pid int, ended chan struct{}, err error) {
	if s.opt.Command == nil {
		return 0, nil, faultf(http.StatusConflict, "this studio starts no trainings")
	}
	if err := s.own.MkdirAll(path.Dir(log)); err != nil {
		return 0, nil, err
	}
	if err := s.own.Remove(log); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, nil, err
	}
	out, err := s.own.Create(log)
	if err != nil {
		return 0, nil, err
	}
	defer out.Close()
	file, err := osFile(s.own.Path(log))
	if err != nil {
		return 0, nil, err
	}
	defer file.Close()
	cmd := s.opt.Command(args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = nil, file, file
	detach(cmd)
	if err := cmd.Start(); err != nil {
		return 0, nil, fmt.Errorf("studio: %w", err)
	}
	lower(cmd.Process.Pid)
	ended = make(chan struct{})
	go func() { // it is not waited for when the studio ends: the process goes on
		err := cmd.Wait()
		code := 0
		if e := (*exec.ExitError)(nil); errors.As(err, &e) {
			code = e.ExitCode()
		} else if err != nil {
			code = -1
		}
		exited(code)
		close(ended)
		select {
		case s.queue.wake <- struct{}{}:
		default:
		}
	}()
	return cmd.Process.Pid, ended, nil
}
