package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/analysis/eval"
	"github.com/imago-ml/imago/internal/zoo"
	"github.com/imago-ml/imago/nn"
	"github.com/imago-ml/imago/train/runlog"
)

// zooCommand returns the command zoo: it lists the trained models that imago brings along.
func (a *app) zooCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "zoo",
		Short: "List the trained models that imago brings along",
		Long: `zoo lists models that are in the program itself, trained on data that imago draws. Every command that takes a run takes
the name of one, as zoo:cnn-vae, and so does --init of imago train. Reading one writes nothing.

The metrics are named by their protocol, as imago eval has them.`,
		Example: `  imago zoo
  imago sample zoo:cnn-vae
  imago edit zoo:face-vae --attr Eyeglasses
  imago train cnn-vae --data mnist --init zoo:cnn-vae --loss bce`,
		Args: argCount(0, 0, "no argument"),
		RunE: func(*cobra.Command, []string) error {
			w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
			for _, z := range zoo.Models() {
				text, err := a.describeZoo(z)
				if err != nil {
					return err
				}
				fmt.Fprintf(w, "%s\t%s\n\t%s\n", z.Path(), z.About, text)
			}
			return w.Flush()
		},
	}
}

// describeZoo returns what the run of a model of the zoo says of it.
func (a *app) describeZoo(z zoo.Model) (string, error) {
	run, err := runlog.Open(z.Path(), "")
	if err != nil {
		return "", err
	}
	m, err := run.Config.Build(&a.Models)
	if err != nil {
		return "", err
	}
	records, err := eval.ReadRecords(run.Path(eval.RecordsFile))
	if err != nil {
		return "", err
	}
	parts := []string{
		fmt.Sprintf("%s on %s, %s", run.Config.Recipe, run.Config.Data.Name, run.Config.Length()),
		thousands(nn.Count(m.Params)) + " parameters",
		megabytes(zoo.Size(z.Name)),
	}
	for _, r := range records {
		parts = append(parts, fmt.Sprintf("%s %.4g", r.Name, r.Value))
	}
	return strings.Join(parts, "; "), nil
}
