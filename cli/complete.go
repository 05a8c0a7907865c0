package cli

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/internal/zoo"
)

// complete lets shells complete the arguments of a command, by what its usage line asks for, and the values of the flags that
// name a set, a recipe or a medium. Files are completed too, since a path may stand in place of a name.
func (a *app) complete(c *cobra.Command) {
	_, asked, _ := strings.Cut(c.Use, " ")
	asked, _, _ = strings.Cut(asked, "--") // those before flags
	many := strings.HasSuffix(asked, "...") && !strings.Contains(asked, "<file>")
	var lists []func() []cobra.Completion
	if strings.Contains(asked, "recipe") {
		lists = append(lists, a.recipeNames)
	}
	if strings.Contains(asked, "run") {
		lists = append(lists, runNames)
	}
	if strings.Contains(asked, "<set>") {
		lists = append(lists, a.setNames)
	}
	if len(lists) > 0 {
		c.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) (all []cobra.Completion, _ cobra.ShellCompDirective) {
			if len(args) == 0 || many {
				for _, list := range lists {
					all = append(all, list()...)
				}
			}
			return all, cobra.ShellCompDirectiveDefault
		}
	}
	for flag, list := range map[string]func() []cobra.Completion{"data": a.setNames, "recipe": a.recipeNames, "medium": mediumNames} {
		if c.Flags().Lookup(flag) == nil {
			continue
		}
		err := c.RegisterFlagCompletionFunc(flag, func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return list(), cobra.ShellCompDirectiveDefault
		})
		if err != nil {
			panic(err) // the flag is there, and has no completion yet
		}
	}
}

// recipeNames returns the recipes as completions.
func (a *app) recipeNames() (all []cobra.Completion) {
	for _, r := range a.Models.Recipes() {
		all = append(all, cobra.CompletionWithDesc(r.Name, r.About))
	}
	return all
}

// setNames returns the named data sets as completions.
func (a *app) setNames() []cobra.Completion { return a.Data.Names() }

// mediumNames returns the media of quickstart as completions.
func mediumNames() (all []cobra.Completion) {
	for _, r := range firstRuns {
		all = append(all, r.medium)
	}
	return all
}

// runNames returns the runs of the usual folder as completions, the newest first, and the models that imago brings along.
func runNames() []cobra.Completion {
	all := []cobra.Completion{"latest"}
	for _, r := range listRuns(runsDir) {
		all = append(all, filepath.Base(r.dir))
	}
	for _, m := range zoo.Models() {
		all = append(all, cobra.CompletionWithDesc(m.Path(), m.About))
	}
	return all
}
