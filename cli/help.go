package cli

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/imago-ml/imago/models/model"
)

// helpWidth is the greatest number of columns of a line of help.
const helpWidth = 100

// recipeLines is the greatest number of lines of the help of one recipe.
const recipeLines = 60

// groupFrom is the number of flags from which the help of a command lists them in groups.
const groupFrom = 12

// flagGroups says under which title the help lists a flag, in the order of the help. The flags of often are also in
// the help of one recipe, as of imago train cnn-vae --help, which has 60 lines at most. Options of models need no entry
// here: they are of the group Model. This table is the only place that groups flags: TestFlagGroups names a flag of a
// command that trains and is missing here.
var flagGroups = []struct{ title, often, seldom string }{
	{groupModel, "", "weights checkpoint recipe shape labels"},
	{"Data", "data size", "flip shift limit skip-bad columns drop fill header scale pixels range rate seconds bars text tokens length min-count vocabulary table images label gray test-fraction validation without data-dir no-cache crop split index invert encoded"},
	{groupTraining, "epochs steps batch lr schedule optimizer seed", "weight-decay momentum clip patience init resume config seeds over trials by threads memory log-steps"},
	{"Scores", "", "draws components"},
	{"Output", "name out dry-run", "keep checkpoint-every checkpoint-steps measure measure-every measure-images pictures-every"},
}

// The titles of groups that the help treats in a way of its own.
const (
	groupModel    = "Model"
	groupTraining = "Training"
	groupOther    = "Options" // of a command that has them alone
)

// A flagGroup is a title in the help of a command, and what is listed below it.
type flagGroup struct {
	title string
	lines []flagLine
}

// A flagLine is a flag in a help text.
type flagLine struct{ flag, text string }

// help prints the help of a command. If the command line names a recipe, the help has the options of that recipe, with
// its values, in place of those of all recipes.
func (a *app) help(c *cobra.Command, _ []string) {
	rec := a.recipeOfHelp(c)
	text := a.helpText(c, rec, false)
	if rec != nil && trains(c) && strings.Count(text, "\n") > recipeLines {
		text = a.helpText(c, rec, true)
	}
	fmt.Fprint(a.out, text)
}

// helpText returns the help of a command, of a recipe if rec is not nil. brief leaves out what follows the first
// semicolon of a model's options: the help of train has it.
func (a *app) helpText(c *cobra.Command, rec *model.Recipe, brief bool) string {
	var b strings.Builder
	short := rec != nil && trains(c)
	use := c.UseLine()
	if rec != nil {
		use = strings.Replace(use, "<recipe>", rec.Name, 1)
	}
	if short {
		fmt.Fprintf(&b, "%s\n\n", wrapText(rec.Name+": "+rec.About+".", ""))
	} else {
		fmt.Fprintf(&b, "%s\n\n", reflow(cmp.Or(c.Long, c.Short)))
	}
	fmt.Fprintf(&b, "Usage:\n  %s\n", use)
	if c.HasAvailableSubCommands() && !short {
		fmt.Fprintf(&b, "  %s [command]\n", c.CommandPath())
	}
	if c.HasExample() && !short {
		fmt.Fprintf(&b, "\nExamples:\n")
		for line := range strings.SplitSeq(c.Example, "\n") {
			fmt.Fprintln(&b, wrapCommand(line))
		}
	}
	a.listCommands(&b, c)
	if trains(c) && rec == nil {
		fmt.Fprintf(&b, "\nRecipes:\n")
		var lines []flagLine
		for _, r := range a.Models.Recipes() {
			lines = append(lines, flagLine{"  " + r.Name, r.About})
		}
		writeLines(&b, lines, columnOf(lines))
	}
	groups := a.flagGroupsOf(c, rec, brief)
	var all []flagLine
	for _, g := range groups {
		all = append(all, g.lines...)
	}
	for _, g := range groups {
		fmt.Fprintf(&b, "\n%s\n", wrapText(g.title+":", ""))
		writeLines(&b, g.lines, columnOf(all))
	}
	if end := helpEnd(c, rec); end != "" {
		fmt.Fprintf(&b, "\n%s\n", wrapText(end, ""))
	}
	return b.String()
}

// helpEnd returns the last sentence of a help text: where the rest is.
func helpEnd(c *cobra.Command, rec *model.Recipe) string {
	switch {
	case c.HasAvailableSubCommands() && !trains(c):
		return "More about a command: " + c.CommandPath() + " COMMAND --help"
	case rec != nil && trains(c):
		return "The rest of the options, and examples: " + c.CommandPath() + " --help"
	case hasModelOptions(c) && rec == nil && c.Flags().Lookup("recipe") != nil:
		return "The options of a recipe, as --latent, may follow --recipe NAME: imago train NAME --help lists them."
	case hasModelOptions(c) && rec == nil && !listsAllOptions(c):
		return "The options of a recipe, with its values: " + c.CommandPath() + " RECIPE --help"
	case hasModelOptions(c) && rec == nil:
		return "The options of one recipe, with its values: " + c.CommandPath() + " RECIPE --help"
	}
	return ""
}

// recipeOfHelp returns the recipe that the command line names as the first argument of c or by --recipe, or nil.
func (a *app) recipeOfHelp(c *cobra.Command) *model.Recipe {
	if !hasModelOptions(c) {
		return nil
	}
	name := c.Flags().Arg(0)
	if f := c.Flags().Lookup("recipe"); f != nil {
		name = f.Value.String()
	}
	if name == "" {
		return nil
	}
	rec, err := a.Models.Recipe(name)
	if err != nil {
		if trains(c) {
			a.warn("%v", err)
		}
		return nil
	}
	return &rec
}

// hasModelOptions reports whether the options of models are flags of c.
func hasModelOptions(c *cobra.Command) bool {
	found := false
	c.Flags().VisitAll(func(f *pflag.Flag) { found = found || isModelOption(f) })
	return found
}

// isModelOption reports whether a flag is an option of a model.
func isModelOption(f *pflag.Flag) bool { _, ok := f.Value.(*optionFlag); return ok }

// trains reports whether c trains a recipe: its help then begins with the recipes.
func trains(c *cobra.Command) bool {
	return hasModelOptions(c) && strings.Contains(c.Use, "<recipe>") && c.Flags().Lookup("epochs") != nil
}

// listsAllOptions reports whether the help of c without a recipe has the options of all recipes: that of train alone.
func listsAllOptions(c *cobra.Command) bool { return c.CommandPath() == "imago train" }

// groupOf returns the index in flagGroups of a flag, and whether it is used often; -1 if it is missing there.
func groupOf(f *pflag.Flag) (index int, often bool) {
	for i, g := range flagGroups {
		if slices.Contains(strings.Fields(g.often), f.Name) {
			return i, true
		}
		if slices.Contains(strings.Fields(g.seldom), f.Name) {
			return i, false
		}
	}
	return -1, false
}

// flagGroupsOf returns the flags of a command's help in their groups. A flag that is in no group is among the options
// of the command, which come first.
func (a *app) flagGroupsOf(c *cobra.Command, rec *model.Recipe, brief bool) []flagGroup {
	train, visible := trains(c), 0
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && !isModelOption(f) {
			visible++
		}
	})
	other := flagGroup{title: groupOther}
	groups := make([]flagGroup, len(flagGroups))
	for i, g := range flagGroups {
		groups[i].title = g.title
	}
	var recipe map[string]string // values of the recipe
	if rec != nil && train {
		recipe = trainingOf(rec)
	}
	c.Flags().VisitAll(func(f *pflag.Flag) {
		i, often := groupOf(f)
		switch {
		case f.Hidden || f.Name == "help" || isModelOption(f) || recipe != nil && !often:
		case i < 0 || visible < groupFrom && rec == nil || !train && flagGroups[i].title == groupTraining:
			other.lines = append(other.lines, lineOf(f, recipe))
		default:
			groups[i].lines = append(groups[i].lines, lineOf(f, recipe))
		}
	})
	groups = append([]flagGroup{other}, groups...)
	if train { // the options of the model come first, and what is in no group last
		groups = append(groups[1:], other)
	}
	switch {
	case rec != nil:
		i := slices.IndexFunc(groups, func(g flagGroup) bool { return g.title == groupModel })
		groups[i].lines = append(a.optionLines(rec, brief), groups[i].lines...)
	case listsAllOptions(c):
		groups = append(groups, a.optionGroups()...)
	}
	return slices.DeleteFunc(groups, func(g flagGroup) bool { return len(g.lines) == 0 })
}

// optionLines returns the options of a recipe with its values, with the first part of their texts if brief.
func (a *app) optionLines(rec *model.Recipe, brief bool) []flagLine {
	cfg, err := a.Models.Config(*rec)
	if err != nil {
		panic(err) // Register has checked it
	}
	var lines []flagLine
	for _, f := range model.Flags(cfg) {
		text := f.Help
		if brief {
			text, _, _ = strings.Cut(text, "; ")
		}
		lines = append(lines, flagLine{"  --" + f.Name + optionUnit(f.Type()), text + presetText(f.String(), text)})
	}
	return lines
}

// optionGroups returns the options of all kinds of models. Those that the same kinds have, with the same meaning, are a
// group; the options of most kinds come first.
func (a *app) optionGroups() []flagGroup {
	type optionText struct {
		flagLine
		kinds []string
	}
	var options []*optionText
	for _, k := range a.Models.Kinds() {
		for _, f := range model.Flags(k.Default()) {
			line := flagLine{"  --" + f.Name + optionUnit(f.Type()), f.Help}
			i := slices.IndexFunc(options, func(o *optionText) bool { return o.flagLine == line })
			if i < 0 {
				i = len(options)
				options = append(options, &optionText{flagLine: line})
			}
			options[i].kinds = append(options[i].kinds, k.Name)
		}
	}
	slices.SortStableFunc(options, func(x, y *optionText) int { return cmp.Compare(len(y.kinds), len(x.kinds)) })
	var groups []flagGroup
	for _, o := range options {
		title := groupModel + " of " + strings.Join(o.kinds, ", ")
		i := slices.IndexFunc(groups, func(g flagGroup) bool { return g.title == title })
		if i < 0 {
			i = len(groups)
			groups = append(groups, flagGroup{title: title})
		}
		groups[i].lines = append(groups[i].lines, o.flagLine)
	}
	return groups
}

// optionUnit returns what follows the name of an option of that type.
func optionUnit(kind string) string {
	if kind == "bool" {
		return ""
	}
	return " " + kind
}

// presetText returns the default value in brackets, unless it is nothing or the text names it itself.
func presetText(value, text string) string {
	switch value {
	case "", "0", "false", "[]", "<nil>":
		return ""
	}
	if strings.Contains(text, "(default ") {
		return ""
	}
	return " (default " + value + ")"
}

// ofRecipe matches a default that the recipe gives, and what follows it in the brackets.
var ofRecipe = regexp.MustCompile(`\(default the recipe's(; [^)]*)?\)`)

// lineOf returns a flag for the help. In the help of a recipe, recipe has its values by name of the flag, and the text
// ends at the first semicolon; elsewhere recipe is nil.
func lineOf(f *pflag.Flag, recipe map[string]string) flagLine {
	unit, text := pflag.UnquoteUsage(f)
	left := "  --" + f.Name
	if f.Shorthand != "" {
		left = "  -" + f.Shorthand + ", --" + f.Name
	}
	if unit != "" {
		left += " " + unit
	}
	if f.NoOptDefVal != "" && f.Value.Type() != "bool" {
		left += "[=" + f.NoOptDefVal + "]"
	}
	if recipe != nil {
		if i := strings.Index(text, "; "); i > 0 && !strings.Contains(text[:i], "(") {
			_, preset, found := strings.Cut(text, " (default ")
			if text = text[:i]; found {
				text += " (default " + preset
			}
		}
		text = strings.TrimSpace(ofRecipe.ReplaceAllStringFunc(text, func(s string) string {
			if v := recipe[f.Name]; v != "" {
				return strings.Replace(s, "the recipe's", v, 1)
			}
			return ""
		}))
	}
	return flagLine{left, text + presetText(f.DefValue, text)}
}

// trainingOf returns how a recipe is trained, by the names of the flags that change it.
func trainingOf(rec *model.Recipe) map[string]string {
	t := rec.Train
	return map[string]string{
		"epochs":    positive(t.Epochs),
		"steps":     positive(t.Steps),
		"log-steps": positive(t.LogSteps),
		"batch":     positive(t.Batch),
		"lr":        strconv.FormatFloat(t.LearningRate, 'g', -1, 64),
		"schedule":  cmp.Or(t.Schedule, "constant"),
	}
}

// positive returns n as text, and nothing for 0.
func positive(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// listCommands writes the commands below c, in their sections.
func (a *app) listCommands(b *strings.Builder, c *cobra.Command) {
	var all []flagLine
	sections := map[string][]flagLine{}
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			line := flagLine{"  " + sub.Name(), sub.Short}
			all, sections[sub.GroupID] = append(all, line), append(sections[sub.GroupID], line)
		}
	}
	if lines := sections[""]; len(lines) > 0 {
		fmt.Fprintf(b, "\nCommands:\n")
		writeLines(b, lines, columnOf(all))
	}
	for _, g := range c.Groups() {
		fmt.Fprintf(b, "\n%s\n", g.Title)
		writeLines(b, sections[g.ID], columnOf(all))
	}
}

// columnOf returns the column in which the texts of lines begin.
func columnOf(lines []flagLine) int {
	n := 0
	for _, l := range lines {
		n = max(n, utf8.RuneCountInString(l.flag))
	}
	return n + 2
}

// writeLines writes lines with their texts in a column.
func writeLines(b *strings.Builder, lines []flagLine, column int) {
	for _, l := range lines {
		pad := strings.Repeat(" ", column-utf8.RuneCountInString(l.flag))
		fmt.Fprintln(b, wrapText(l.flag+pad+l.text, strings.Repeat(" ", column)))
	}
}

// wrapCommand returns a command in lines of at most helpWidth columns that a shell takes for one.
func wrapCommand(line string) string {
	return strings.ReplaceAll(wrapAt(helpWidth-2, line, "      "), "\n", " \\\n")
}

// wrapText returns text in lines of at most helpWidth columns. Lines after the first begin with indent.
func wrapText(text, indent string) string { return wrapAt(helpWidth, text, indent) }

// wrapAt returns text in lines of at most limit columns, as far as there are spaces. Lines after the first begin with
// indent.
func wrapAt(limit int, text, indent string) string {
	var b strings.Builder
	column := 0
	for i, word := range strings.Split(text, " ") {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case column+1+n > limit && column > utf8.RuneCountInString(indent):
			b.WriteString("\n" + indent)
			column = utf8.RuneCountInString(indent)
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	return b.String()
}

// item matches a line of a list in a long help text, up to the text of the item: "  mean   the difference".
var item = regexp.MustCompile(`^ +\S.*?\S {2,}`)

// reflow returns a long help text in lines of at most helpWidth columns. A line that begins with spaces and has a gap
// is an item of a list.
func reflow(text string) string {
	var out []string
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		var blocks []string // lines to be wrapped
		for line := range strings.SplitSeq(paragraph, "\n") {
			if len(blocks) == 0 || item.MatchString(line) {
				blocks = append(blocks, line)
			} else {
				blocks[len(blocks)-1] += " " + strings.TrimSpace(line)
			}
		}
		for i, block := range blocks {
			blocks[i] = wrapText(block, strings.Repeat(" ", utf8.RuneCountInString(item.FindString(block))))
		}
		out = append(out, strings.Join(blocks, "\n"))
	}
	return strings.Join(out, "\n\n")
}

// helpCommand returns the command help: that of a command, and with a recipe after it that of the recipe.
func (a *app) helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "help [command]",
		Short:   "Print the help of a command",
		Example: "  imago help train",
		RunE: func(c *cobra.Command, args []string) error {
			of, rest, err := c.Root().Find(args)
			if err != nil {
				return usage(c, err)
			}
			if !of.HasParent() && len(rest) > 0 {
				return unknownCommand(of, rest[0])
			}
			of.InitDefaultHelpFlag()
			if err := of.ParseFlags(rest); err != nil {
				return flagError(of, err)
			}
			return of.Help()
		},
	}
}
