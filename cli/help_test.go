package cli

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// update makes TestHelp write its golden files anew.
var update = flag.Bool("update", false, "write the golden help texts anew")

// everyCommand returns all commands that a user may call, with the root.
func everyCommand(root *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	for _, c := range append([]*cobra.Command{root}, root.Commands()...) {
		if c.Hidden {
			continue
		}
		all = append(all, c)
		if c != root {
			all = append(all, c.Commands()...)
		}
	}
	return all
}

// helpOf returns the help of a command line.
func helpOf(t *testing.T, args ...string) string {
	var out, warnings bytes.Buffer
	if status := run(t.Context(), args, &out, &warnings); status != 0 || warnings.Len() > 0 {
		t.Fatalf("imago %s: exit status %d, %s", strings.Join(args, " "), status, &warnings)
	}
	return out.String()
}

// TestHelp compares the help of every command, and of every recipe, with testdata/help. No line is wider than
// helpWidth, and the help of a recipe has at most recipeLines lines.
//
// To accept new texts: go test ./cli -run TestHelp -update
func TestHelp(t *testing.T) {
	a := newApp(io.Discard, io.Discard)
	var lines [][]string
	for _, c := range everyCommand(a.root()) {
		lines = append(lines, strings.Fields(c.CommandPath())[1:])
	}
	for _, rec := range a.Models.Recipes() {
		lines = append(lines, []string{"train", rec.Name})
	}
	lines = append(lines, []string{"summary", "cnn-vae"}, []string{"anomaly", "sweep", "mlp-vae"})
	want := map[string]bool{}
	for _, args := range lines {
		name := strings.Join(append([]string{"imago"}, args...), "-") + ".txt"
		want[name] = true
		got := helpOf(t, append(slices.Clone(args), "--help")...)
		for line := range strings.Lines(got) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > helpWidth {
				t.Errorf("%s: a line of the help has %d columns, want at most %d: %s", name, n, helpWidth, line)
			}
		}
		if n := strings.Count(got, "\n"); len(args) == 2 && args[0] == "train" && n > recipeLines {
			t.Errorf("%s: the help has %d lines, want at most %d: move flags to the column seldom of flagGroups", name, n, recipeLines)
		}
		path := filepath.Join("testdata/help", name)
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		golden, err := os.ReadFile(path)
		if err != nil || string(golden) != got {
			t.Errorf("%s differs from the help (%v): if the new text is right, go test ./cli -run TestHelp -update", path, err)
		}
	}
	files, err := os.ReadDir("testdata/help")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !want[f.Name()] {
			t.Errorf("testdata/help/%s is of no command", f.Name())
		}
	}
}

// TestFlagGroups names a flag of a command that trains and has no group in flagGroups, and a name in flagGroups that is
// no flag.
func TestFlagGroups(t *testing.T) {
	known := map[string]bool{}
	for _, c := range everyCommand(newApp(io.Discard, io.Discard).root()) {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			known[f.Name] = true
			if i, _ := groupOf(f); i < 0 && trains(c) && !isModelOption(f) && !f.Hidden && f.Name != "help" {
				t.Errorf("%s --%s has no group: add it to flagGroups in help.go", c.CommandPath(), f.Name)
			}
		})
	}
	seen := map[string]bool{}
	for _, g := range flagGroups {
		for _, name := range strings.Fields(g.often + " " + g.seldom) {
			if !known[name] || seen[name] {
				t.Errorf("flagGroups has --%s in %s: it is no flag, or stands twice", name, g.title)
			}
			seen[name] = true
		}
	}
}

// TestReflow checks the lines of a long help text: lists keep their columns.
func TestReflow(t *testing.T) {
	long := strings.Repeat("word ", 30)
	got := reflow("one\ntwo " + long + "end\n\n  mean  " + long + "\n        last\n  other  text")
	want := "one two " + strings.Repeat("word ", 17) + "word\n" + strings.Repeat("word ", 12) + "end\n\n" +
		"  mean  " + strings.Repeat("word ", 17) + "word\n        " + strings.Repeat("word ", 12) + " " + "last\n  other  text"
	if got != want {
		t.Errorf("reflow gives\n%s\nwant\n%s", got, want)
	}
	if got := wrapCommand("  imago " + long + "end"); !strings.Contains(got, " \\\n      word") {
		t.Errorf("a long command is %q: want a backslash at the end of a line", got)
	}
}
