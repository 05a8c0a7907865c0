package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/internal/buildinfo"
	"github.com/imago-ml/imago/internal/english"
)

// man returns the command man: it writes the manual pages of all commands.
func (a *app) man() *cobra.Command {
	return &cobra.Command{
		Use:   "man <folder>",
		Short: "Write the manual pages of all commands to a folder",
		Long: `man writes a manual page for each command, such as imago-train.1, to a folder, which is made if there is none. The
packages of a release have them; man imago-train shows one where they are installed.`,
		Example: `  imago man ~/.local/share/man/man1`,
		Args:    argCount(1, 1, "a folder"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o777); err != nil {
				return err
			}
			n, err := writeMan(c.Root(), args[0])
			if err == nil {
				_, err = fmt.Fprintf(a.out, "%s: %s\n", args[0], english.Plural(n, "manual page"))
			}
			return err
		},
	}
}

// writeMan writes the manual pages of a command and of those below it, and returns their number.
func writeMan(c *cobra.Command, dir string) (int, error) {
	n := 0
	for _, below := range c.Commands() {
		if !below.IsAvailableCommand() {
			continue
		}
		k, err := writeMan(below, dir)
		n += k
		if err != nil {
			return n, err
		}
	}
	return n + 1, atomicfile.WriteBytes(filepath.Join(dir, manName(c)+".1"), []byte(manPage(c)))
}

// manName returns the name of the manual page of a command, as imago-runs-remove.
func manName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// manPage returns the manual page of a command, in the macros of man(7). It has no date: the same program writes the same
// bytes on every day.
func manPage(c *cobra.Command) string {
	var b strings.Builder
	section := func(title string) { fmt.Fprintf(&b, ".SH %s\n", title) }
	fmt.Fprintf(&b, ".TH %s 1 \"\" \"imago %s\" \"imago\"\n", strings.ToUpper(roff(manName(c))), roff(buildinfo.Version()))
	section("NAME")
	fmt.Fprintf(&b, "%s \\- %s\n", roff(manName(c)), roff(c.Short))
	section("SYNOPSIS")
	fmt.Fprintf(&b, ".B %s\n", roff(c.UseLine()))
	section("DESCRIPTION")
	b.WriteString(roffText(c.Long))
	options := func(title string, flags *pflag.FlagSet) {
		if !flags.HasAvailableFlags() {
			return
		}
		section(title)
		flags.VisitAll(func(f *pflag.Flag) {
			if f.Hidden {
				return
			}
			value, usage := pflag.UnquoteUsage(f)
			b.WriteString(".TP\n")
			if f.Shorthand != "" {
				fmt.Fprintf(&b, "\\fB\\-%s\\fR, ", f.Shorthand)
			}
			fmt.Fprintf(&b, "\\fB\\-\\-%s\\fR", roff(f.Name))
			if value != "" {
				fmt.Fprintf(&b, " \\fI%s\\fR", roff(value))
			}
			if d := f.DefValue; d != "" && d != "false" && d != "0" && d != "[]" && !strings.Contains(usage, "(default") {
				usage += " (default " + d + ")"
			}
			fmt.Fprintf(&b, "\n%s", roffText(usage))
		})
	}
	options("OPTIONS", c.NonInheritedFlags())
	options("OPTIONS OF ALL COMMANDS", c.InheritedFlags())
	if c.Example != "" {
		section("EXAMPLES")
		fmt.Fprintf(&b, ".nf\n%s.fi\n", roffText(c.Example))
	}
	var others []string
	if c.HasParent() {
		others = append(others, manName(c.Parent()))
	}
	for _, below := range c.Commands() {
		if below.IsAvailableCommand() {
			others = append(others, manName(below))
		}
	}
	if len(others) > 0 {
		section("SEE ALSO")
		for i, name := range others {
			comma := ","
			if i == len(others)-1 {
				comma = ""
			}
			fmt.Fprintf(&b, ".BR %s (1)%s\n", roff(name), comma)
		}
	}
	return b.String()
}

// roff returns text of one line with what the formatter would obey escaped.
func roff(text string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`).Replace(text)
}

// roffText returns text of several lines for a page: an empty line begins a paragraph, and lines that are set in keep their ends.
func roffText(text string) string {
	var b strings.Builder
	inset := false
	for line := range strings.Lines(strings.Trim(text, "\n")) {
		line = strings.TrimRight(line, "\n")
		if set := strings.HasPrefix(line, "  "); set != inset {
			inset = set
			b.WriteString(map[bool]string{true: ".nf\n", false: ".fi\n"}[set])
		}
		switch {
		case line == "":
			b.WriteString(".PP\n")
		case strings.HasPrefix(line, "."):
			b.WriteString(`\&` + roff(line) + "\n")
		default:
			b.WriteString(roff(line) + "\n")
		}
	}
	if inset {
		b.WriteString(".fi\n")
	}
	return b.String()
}
