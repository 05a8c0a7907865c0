package hub

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/imago-ml/imago/data/medium"
	"github.com/imago-ml/imago/export"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/models/model"
	"github.com/imago-ml/imago/nn"
)

// card returns README.md: what a reader of the hub must know, and what only the user can say left open.
func (m *hubModel) card() []byte {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	c := &m.config
	data := c.Data.Name
	if c.Data.Unknown() {
		data = ""
	}
	m.frontMatter(p)
	title := c.Recipe
	if data != "" {
		title += " on " + word(data)
	}
	p("\n# %s\n", title)
	if m.thumbnail {
		p("![what the model generates](%s)\n", thumbnailFile)
	}
	noun := medium.Noun(m.Item())
	p("A generative model of %ss of %v, of kind `%s` (recipe `%s` of imago), with %s parameters. It minimises\n", noun, m.Item(), c.Kind, c.Recipe, english.Thousands(float64(nn.Count(m.Model().Params))))
	p("    %s\n", m.Model().Objective)
	m.use(p)
	p("## Data\n")
	if data == "" {
		p("The weights come from another program, and the data are not known. **Add them here.**\n")
	} else {
		p("%s: %s training and %s test %ss (SHA-256 %.12s). **Add where they are from, and their licence**: it may bind what is made of them.\n", word(data), english.Thousands(float64(c.Data.Train)), english.Thousands(float64(c.Data.Test)), noun, c.Data.Digest)
	}
	if k := len(c.Data.Labels); k > 0 && (data != "" || m.SampleLabels() > 0) {
		p("Labels: %s.\n", list(c.Data.Labels))
	}
	m.training(p)
	m.figures(p)
	m.limits(p)
	p("## Licence\n")
	p("The licence of the weights is yours to choose: set `license` above, and mind that of the data.")
	return []byte(b.String())
}

// frontMatter prints the YAML that hubs read.
func (m *hubModel) frontMatter(p func(string, ...any)) {
	p("---")
	p("library_name: imago")
	p("license: other")
	p("license_name: to-be-chosen")
	if m.thumbnail {
		p("thumbnail: %s", thumbnailFile)
	}
	if _, _, _, err := medium.HWC(m.Item()); err == nil && m.HasPrior() && m.SampleLabels() == 0 {
		p("pipeline_tag: unconditional-image-generation")
	}
	p("tags:")
	tags := []string{"imago", m.config.Kind, m.config.Recipe}
	if m.Model().Discriminate != nil {
		tags = append(tags, "gan")
	}
	if m.Model().Encode != nil {
		tags = append(tags, "autoencoder")
	}
	if m.SampleLabels() > 0 {
		tags = append(tags, "conditional")
	}
	slices.Sort(tags)
	for _, tag := range slices.Compact(tags) {
		p("- %s", tag)
	}
	p("---")
}

// use prints how the model is used, here and in PyTorch.
func (m *hubModel) use(p func(string, ...any)) {
	p("## Use\n")
	p("With imago, this folder is a model:\n")
	p("```sh\nimago sample FOLDER -n 64\nimago train %s --data PATH --init FOLDER\n```\n", m.config.Recipe)
	if len(m.functions) == 0 {
		p("There is no `load.py` for PyTorch: %s.\n", strings.Join(m.left, "; "))
		return
	}
	p("With PyTorch alone, the ten lines of `%s` read the weights, without pickle, and compute the layers that `%s` lists:\n", loaderFile, layersFile)
	p("```python\nimport torch\nfrom load import run, weights")
	for _, f := range m.functions {
		if slices.Equal(f.inputs, []string{model.InputZ}) {
			p("z = torch.randn(64, %d)", m.Latent())
		}
		for _, o := range f.outputs {
			p("%s = %s[%q]", o, f, o)
		}
	}
	p("```\n")
	var listed []string
	for _, f := range m.functions {
		for _, port := range slices.Concat(f.inputs, f.outputs) {
			if !slices.Contains(listed, port) {
				listed = append(listed, port)
				p("- `%s`: %s", port, export.Meaning(port))
			}
		}
	}
	p("\nPictures have their channels last. They are those of imago to about 1e-6.")
	if len(m.left) > 0 {
		p("Not in `layers.json`: %s.", strings.Join(m.left, "; "))
	}
	p("")
}

// training prints how the model was trained.
func (m *hubModel) training(p func(string, ...any)) {
	c := &m.config
	p("## Training\n")
	if c.Data.Unknown() {
		p("The weights were trained by another program and imported.\n")
		return
	}
	length := english.Plural(c.Epochs, "epoch")
	if c.BySteps() {
		length = english.Plural(c.Steps, "step")
	}
	p("- set to %s, batches of %d; these weights are of step %s", length, c.Batch, english.Thousands(float64(m.Step)))
	rate := fmt.Sprintf("%v", c.LR)
	if c.Schedule != "" {
		rate += ", schedule " + c.Schedule
	}
	p("- learning rate %s; %s", rate, m.optimiser())
	p("- seed %d, imago %s, %s%s", c.Seed, c.Imago, c.Go, prefixed(", ", c.Arithmetic))
	if c.Init != nil {
		p("- from the weights of %s (SHA-256 %.12s)", word(c.Init.Source), c.Init.Digest)
	}
	p("- options: `%s`\n", c.Model)
}

func (m *hubModel) optimiser() string {
	if text := m.config.Optimizer.String(); text != "" {
		return "optimiser " + text
	}
	return "the recipe's optimiser"
}

// figures prints what was measured, with how.
func (m *hubModel) figures(p func(string, ...any)) {
	p("## Figures\n")
	if m.line == nil && len(m.records) == 0 {
		p("Nothing was measured with these weights. `imago eval` does.\n")
		return
	}
	p("| figure | value | measured on |\n| --- | --- | --- |")
	if m.line != nil {
		test := m.line.Test
		for _, name := range slices.Sorted(maps.Keys(test)) {
			p("| %s | %.4g | mean of the %s test items at the end of epoch %d, one draw of the noise each |", name, test[name], english.Thousands(float64(m.config.Data.Test)), m.line.Epoch)
		}
	}
	for _, r := range m.records {
		value := fmt.Sprintf("%.4g", r.Value)
		if r.StdErr > 0 {
			value += fmt.Sprintf(" ± %.2g", r.StdErr)
		}
		p("| %s | %s%s | %s; %s is better |", r.Name, value, prefixed(" ", r.Unit), strings.ReplaceAll(r.Protocol, "|", "\\|"), r.Better)
	}
	p("")
}

// limits prints what the model cannot do.
func (m *hubModel) limits(p func(string, ...any)) {
	can := m.Model()
	p("## What it cannot do\n")
	p("- It generates what its training data have, of shape %v, and nothing else; how often, and what is missing, the figures do not tell.", m.Item())
	if can.Encode == nil && can.Reconstruct == nil {
		p("- It has no encoder: it cannot reconstruct a given item.")
	}
	if can.LogWeights == nil {
		p("- It gives no likelihood of an item.")
	}
	if !m.HasPrior() {
		p("- Its codes have no known distribution, so what is decoded from noise need not look like the data.")
	}
	p("- What it generates is not evidence of anything, and of no person.\n")
}

// word returns text for a line of Markdown: what would end it, or be markup, is left out.
func word(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune("`*_[]<>|#\\", r) {
			return '-'
		}
		return r
	}, text)
}

func list(names []string) string {
	const most = 40
	var out []string
	for _, n := range names[:min(len(names), most)] {
		out = append(out, word(n))
	}
	text := strings.Join(out, ", ")
	if more := len(names) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func prefixed(before, text string) string {
	if text == "" {
		return ""
	}
	return before + text
}
