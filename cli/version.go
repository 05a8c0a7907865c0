package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/internal/buildinfo"
)

// version returns the command version.
func (a *app) version() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version of imago",
		Example: "  imago version",
		Args:    argCount(0, 0, "no argument"),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(a.out, versionLine())
			return err
		},
	}
}

// versionLine returns the line that version and --version print.
func versionLine() string {
	return fmt.Sprintf("imago %s, Go %s, %s\n", buildinfo.Version(), buildinfo.Go(), buildinfo.Platform())
}
