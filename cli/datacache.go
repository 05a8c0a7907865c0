package cli

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/screen"
)

// dataCache returns the command data cache.
func (a *app) dataCache() *cobra.Command {
	var dir string
	var clearAll bool
	c := &cobra.Command{
		Use:   "cache",
		Short: "Show the cache of decoded images, or delete it",
		Long: fmt.Sprintf(`cache shows the data sets whose decoded images are cached.

The images of a folder or zip are decoded, cropped and resized when they are first opened. The result is kept in the
user's cache, or with --data-dir in its folder cache; never beside your own files. A set whose files change is decoded
again. If the cache exceeds %d GiB, the sets that were not used for the longest time are deleted. A deleted set is
decoded again when it is next opened.`, data.MaxCache>>30),
		Example: `  imago data cache
  imago data cache --clear`,
		Args: argCount(0, 0, "no argument"),
		RunE: func(c *cobra.Command, _ []string) error {
			files := data.CachedFiles(data.Options{DataDir: dir})
			if len(files) == 0 {
				fmt.Fprintln(a.out, "no decoded images are cached")
				return nil
			}
			if clearAll {
				return a.clearCache(files)
			}
			return a.listCache(files)
		},
	}
	dataDirFlag(c, &dir)
	c.Flags().BoolVar(&clearAll, "clear", false, "delete the cached images")
	return c
}

// listCache prints the cached sets and their sizes.
func (a *app) listCache(files []data.CachedFile) error {
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	total := int64(0)
	for _, f := range files {
		total += f.Size
		what := "incomplete"
		if f.N > 0 {
			what = fmt.Sprintf("%s of %dx%dx%d from %s", english.Plural(f.N, "image"), f.H, f.W, f.C, f.From)
		}
		fmt.Fprintf(w, "%s\tused %s\t%s\n\t\t%s\n", megabytes(f.Size), f.Used.Format("2006-01-02 15:04"), screen.Name(what), screen.Name(f.Path))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "%s in all\n", megabytes(total))
	return nil
}

// clearCache deletes the cached sets.
func (a *app) clearCache(files []data.CachedFile) error {
	n, total := 0, int64(0)
	for _, f := range files {
		if err := f.Remove(); err != nil {
			a.warn("%s", a.errorText(err))
			continue
		}
		n++
		total += f.Size
	}
	fmt.Fprintf(a.out, "deleted %s, %s\n", english.Plural(n, "file"), megabytes(total))
	if n < len(files) {
		return fmt.Errorf("data: %d of %d files could not be deleted", len(files)-n, len(files))
	}
	return nil
}

// megabytes formats a number of bytes in units of 10⁶.
func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
