package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/internal/buildinfo"
	"github.com/imago-ml/imago/internal/cpuid"
)

// version returns the command version.
func (a *app) version() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of imago, and the arithmetic of this machine",
		Long: `version prints the tag of the release, or the time and the commit of a version between two, then the version of Go, the
system and the processor for which the program was built, and the kernels that it uses on this machine. Runs with the
same version and the same kernels give the same bits.`,
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
	commit := ""
	if c := buildinfo.Commit(); c != "" {
		commit = ", commit " + c
	}
	return fmt.Sprintf("imago %s%s, Go %s, %s, kernels %s\n", buildinfo.Version(), commit, buildinfo.Go(), buildinfo.Platform(), cpuid.Name())
}
