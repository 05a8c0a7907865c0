// Package nodejs runs programs of JavaScript in Node.js, in tests that compare what imago writes for other programs. A test
// asks for a command, or for a program that answers requests:
//
//	s := nodejs.Serve(t, script)
//	err := s.Ask(map[string]any{"load": name}, &answer)
//
// It is skipped where there is no Node.js, but fails with CI=true, so that no job passes by skipping. Only tests may import
// this package. It must not know what is compared.
package nodejs

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Command returns the command node with arguments, whose messages go to those of the test.
func Command(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	bin, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("needs Node.js: ", err)
	}
	cmd := exec.Command(bin, args...)
	cmd.Stderr = os.Stderr
	return cmd
}

// A Server is a program that answers requests, one at a time: each is a line of JSON, and so is its answer.
type Server struct {
	in  io.Writer
	out *bufio.Reader
}

// Serve starts a script with arguments. It must end when its input does, which is at the end of the test.
func Serve(t testing.TB, script []byte, args ...string) *Server {
	t.Helper()
	name := filepath.Join(t.TempDir(), "server.js")
	if err := os.WriteFile(name, script, 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := Command(t, append([]string{name}, args...)...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the program in Node.js ended: %v", err)
		}
	})
	return &Server{in, bufio.NewReader(out)}
}

// Ask sends a request as JSON and reads its answer.
func (s *Server) Ask(request, answer any) error {
	b, err := json.Marshal(request)
	if err != nil {
		return err
	}
	if _, err := s.in.Write(append(b, '\n')); err != nil {
		return err
	}
	line, err := s.out.ReadBytes('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(line, answer)
}
