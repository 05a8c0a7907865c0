package cli

import (
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/docs"
	"github.com/imago-ml/imago/docs/site"
	"github.com/imago-ml/imago/internal/buildinfo"
)

// outsideDocs is where the files of the repository are found that are not part of the pages in the program.
const outsideDocs = "https://github.com/imago-ml/imago/blob/main/docs/"

// docs returns the command docs: it opens the guides, which are in the program.
func (a *app) docs() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "docs [<word>...]",
		Short: "Open the guides, and look for words in them",
		Long: `docs opens the guides in a browser, or prints their address where there is none. They are in the program, so no network
is needed. With words, the search of the pages begins with them. The pages are files in the cache, or in the folder --out:
a web site as it is.`,
		Example: `  imago docs
  imago docs posterior collapse
  imago docs --out site`,
		Args: argCount(0, -1, "words"),
		RunE: func(c *cobra.Command, words []string) error {
			dir := out
			if dir == "" {
				var err error
				if dir, err = data.CacheDir("docs"); err != nil {
					return err
				}
			}
			if err := site.Write(dir, site.Source{Pages: docs.Pages, Index: docs.Index, Outside: outsideDocs, Version: buildinfo.Version()}); err != nil {
				return err
			}
			index, err := filepath.Abs(filepath.Join(dir, "index.html"))
			if err != nil {
				return err
			}
			address := fileURL(index)
			if len(words) > 0 {
				address += "?q=" + url.QueryEscape(strings.Join(words, " "))
			}
			if open := browserPath(); out == "" && open != "" && exec.Command(open, address).Start() == nil {
				_, err = fmt.Fprintf(a.out, "Your browser opens the guides: %s\n", address)
			} else {
				_, err = fmt.Fprintf(a.out, "Open the guides in a browser: %s\n", address)
			}
			return err
		},
	}
	c.Flags().StringVar(&out, "out", "", "`folder` for the pages as a web site (default the cache)")
	return c
}
