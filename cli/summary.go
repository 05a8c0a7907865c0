package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/nn"
)

// summary returns the command summary: the layers of a model, as Keras prints them.
func (a *app) summary() *cobra.Command {
	var shape string
	c := &cobra.Command{
		Use:   "summary <recipe or run>",
		Short: "Print the layers of a model, their shapes and parameters",
		Long: `summary prints the layers of each network of a model, with their output shapes and numbers of parameters, as Keras
does. The last table joins the networks. The axis None is the batch. The memory that training takes on one thread,
beside the data, goes to standard error.`,
		Example: `  imago summary cnn-vae
  imago summary mlp-vae --latent 20 --hidden 512,256 --shape 64x64x3
  imago summary latest`,
		Args: argCount(1, 1, "a recipe or a run"),
	}
	shapeFlag(c, &shape, "")
	options := a.addModelFlags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		m, batch, err := a.modelToSummarise(c, args[0], shape, options)
		if err != nil {
			return err
		}
		if err := printNetworks(a.out, m.Networks); err != nil {
			return err
		}
		need, err := memoryOf(c.Context(), m, batch, 1)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(a.err, "memory of training:", need)
		return err
	}
	return c
}

// kindModel is the layer kind of a network inside another network.
const kindModel = "Model"

// printNetworks prints a table for each network. The last network may be made of the others: its total is their sum.
func printNetworks(w io.Writer, networks []nn.Network) error {
	for i, n := range networks {
		if i > 0 {
			if _, err := fmt.Fprintln(w); err != nil {
				return err
			}
		}
		var parts []string
		for _, l := range n.Layers {
			if l.Kind == kindModel {
				parts = append(parts, thousands(l.Params))
			}
		}
		if err := printNetwork(w, n, parts); err != nil {
			return err
		}
	}
	return nil
}

// printNetwork prints the table of one network; parts are the totals of the networks that it is made of, if any.
func printNetwork(w io.Writer, n nn.Network, parts []string) error {
	head := []string{"Layer (type)", "Output Shape", "Param #", "Connected to"}
	rows := [][]string{head}
	for _, l := range n.Layers {
		from := strings.Join(l.Inputs, ", ")
		if from == "" {
			from = "-"
		}
		rows = append(rows, []string{l.Name + " (" + l.Kind + ")", kerasShape(l.Out), thousands(l.Params), from})
	}
	width, line := make([]int, len(head)), 0
	for i := range head {
		for _, r := range rows {
			width[i] = max(width[i], utf8.RuneCountInString(r[i])+2)
		}
		line += width[i]
	}
	line = max(line, 72)
	var b strings.Builder
	fmt.Fprintf(&b, "Model: %s\n%s\n", strconv.Quote(n.Name), strings.Repeat("_", line))
	for i, r := range rows {
		var text string
		for j, cell := range r {
			text += cell + strings.Repeat(" ", width[j]-utf8.RuneCountInString(cell))
		}
		fmt.Fprintln(&b, strings.TrimRight(text, " "))
		if i == 0 {
			fmt.Fprintln(&b, strings.Repeat("=", line))
		}
	}
	fmt.Fprintf(&b, "%s\nTotal params: %s", strings.Repeat("=", line), thousands(n.Params()))
	if len(parts) > 1 {
		fmt.Fprintf(&b, " (%s)", strings.Join(parts, " + "))
	}
	fmt.Fprintln(&b)
	_, err := io.WriteString(w, b.String())
	return err
}
