package main

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// damage flips a bit of a random file of a run or cuts off its end. It returns what it did. Pictures, the report and the
// event files are left alone: no command reads them.
func damage(run string, r *rand.Rand) (string, error) {
	var names []string
	err := filepath.WalkDir(run, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "images" || d.Name() == "events"):
			return filepath.SkipDir
		case d.Type().IsRegular() && d.Name() != ".lock" && d.Name() != "report.html":
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	name := names[r.IntN(len(names))]
	b, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	if len(b) == 0 {
		return name + " is empty", nil
	}
	at := r.IntN(len(b))
	rel, _ := filepath.Rel(run, name) // it is below
	what := fmt.Sprintf("%s cut off at byte %d of %d", rel, at, len(b))
	if r.IntN(3) == 0 {
		b = b[:at]
	} else {
		bit := r.IntN(8)
		b[at] ^= 1 << bit
		what = fmt.Sprintf("bit %d of byte %d of %s flipped", bit, at, rel)
	}
	return what, os.WriteFile(name, b, 0o666)
}

// damaged damages a copy of a finished run and runs the commands on it. Each refuses, warns, or gives the output that it
// gives of the whole run, which is in the same folder.
func (s *soaker) damaged(whole string, r *rand.Rand) error {
	dir := whole + "-damaged"
	if err := copyRun(whole, dir); err != nil {
		return err
	}
	what, err := damage(filepath.Join(dir, "runs", runName), r)
	if err != nil {
		return err
	}
	for _, o := range outputs {
		if o.file == "" {
			continue
		}
		p, err := s.run(dir, o.args...)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		want, got := result{}, result{}
		if err := want.add(whole, o.file); err != nil {
			if p.status() == 0 {
				return fmt.Errorf("%s: a command works that failed before: %v", what, p)
			}
			continue // the model has no such output
		}
		err = got.add(dir, o.file)
		if err := s.assess(what, p, want, got, err); err != nil {
			return err
		}
	}
	return os.RemoveAll(dir)
}

// damagedUnderWay damages a copy of an unfinished run and trains it on: it refuses, warns, or ends with the result wanted.
func (s *soaker) damagedUnderWay(j job, from string, want result, r *rand.Rand) error {
	dir := from + "-damaged"
	if err := copyRun(from, dir); err != nil {
		return err
	}
	run := filepath.Join(dir, "runs", runName)
	what, err := damage(run, r)
	if err != nil {
		return err
	}
	p, err := s.run(dir, j.train(s.workplace, dir, 1+r.IntN(2))...)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	got, err := resultOf(run)
	if err := s.assess(what, p, want, got, err); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// assess counts what a command made of damaged files: it refused, it warned, or it gave what it gives of whole ones. All
// else is an error. err is that of reading what it gave, which is looked at only where the command did not refuse.
func (s *soaker) assess(what string, p *process, want, got result, err error) error {
	s.damages++
	switch {
	case p.status() > 0 && p.out.Len() > 0:
		s.refused++
	case p.status() != 0 || err != nil:
		return fmt.Errorf("%s: %v %v", what, p, err)
	case len(differences(want, got)) == 0:
		s.equal++
	case strings.Contains(p.out.String(), "warning"):
		s.warned++
	default:
		return fmt.Errorf("%s: another %v without a word: %v", what, differences(want, got), p)
	}
	return nil
}

// copyRun copies the folder of runs of a folder into a new one.
func copyRun(from, to string) error {
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	return os.CopyFS(filepath.Join(to, "runs"), os.DirFS(filepath.Join(from, "runs")))
}
