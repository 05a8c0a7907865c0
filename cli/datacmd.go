package cli

import (
	"fmt"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/data"
)

// dataCommand returns the command data, and the commands below it.
func (a *app) dataCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "data list|get|verify|cache",
		Short: "List, fetch and check named data sets; show the cache of others",
		Long: `data lists the named data sets, fetches their files, checks them, and shows the sets whose decoded images are cached.

The files of a set are searched in --data-dir, in $IMAGO_DATA, then in the user's cache. Missing files are fetched
from several mirrors, or from $IMAGO_MIRROR. Training fetches missing files itself.`,
		Example: `  imago data list
  imago data get mnist
  imago data verify fashion-mnist
  imago data cache --clear`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef(c, "data wants list, get, verify or cache")
			}
			return unknownCommand(c, args[0])
		},
	}
	c.AddCommand(a.dataList(), a.dataGet(), a.dataVerify(), a.dataCache())
	return c
}

// dataDirFlag declares --data-dir.
func dataDirFlag(c *cobra.Command, dir *string) {
	c.Flags().StringVar(dir, "data-dir", "", "`folder` of data sets, to search first and to download to (default $IMAGO_DATA, then the user's cache)")
}

// noCacheFlag declares --no-cache.
func noCacheFlag(c *cobra.Command, no *bool) {
	c.Flags().BoolVar(no, "no-cache", false, "do not read or write the cache of decoded images of folders and zips (see imago data cache)")
}

// dataList returns the command data list.
func (a *app) dataList() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the named data sets, and where their files are",
		Example: "  imago data list",
		Args:    argCount(0, 0, "no argument"),
		RunE: func(c *cobra.Command, _ []string) error {
			w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
			for _, name := range a.Data.Names() {
				s, err := a.Data.Source(name)
				if err != nil {
					return err
				}
				where, err := statusText(c, s, dir)
				if err != nil {
					return err
				}
				fmt.Fprintf(w, "%s\t%s\n\t%s\n", s.Name, s.About, where)
			}
			return w.Flush()
		},
	}
	dataDirFlag(c, &dir)
	return c
}

// statusText returns a line that says where the files of a set are, or how to get them.
func statusText(c *cobra.Command, s data.Source, dir string) (string, error) {
	if s.Verify == nil {
		return "drawn by imago when it is opened", nil
	}
	find := s.Find
	if find == nil {
		find = s.Verify
	}
	status, err := find(c.Context(), data.Options{DataDir: dir})
	if err != nil {
		return "", err
	}
	good, folder := 0, ""
	for _, f := range status {
		if f.Err == nil {
			good++
			folder = filepath.Dir(f.Path)
		}
	}
	if good == len(status) {
		return "here, in " + folder, nil
	}
	if s.Home != "" {
		return fmt.Sprintf("%d of %d files here; imago may not fetch the rest: get them from %s", good, len(status), s.Home), nil
	}
	return fmt.Sprintf("%d of %d files here; training fetches the rest, or imago data get %s", good, len(status), s.Name), nil
}

// sources returns the sets with the given names, or all sets if there are none.
func (a *app) sources(c *cobra.Command, names []string) ([]data.Source, error) {
	if len(names) == 0 {
		names = a.Data.Names()
	}
	var all []data.Source
	for _, name := range names {
		s, err := a.Data.Source(name)
		if err != nil {
			return nil, usage(c, err)
		}
		all = append(all, s)
	}
	return all, nil
}

// dataGet returns the command data get.
func (a *app) dataGet() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:     "get <set>...",
		Short:   "Fetch the files of data sets and check them",
		Example: "  imago data get mnist fashion-mnist",
		Args:    argCount(1, -1, "the name of a set"),
		RunE: func(c *cobra.Command, args []string) error {
			all, err := a.sources(c, args)
			if err != nil {
				return err
			}
			for _, s := range all {
				if s.Get == nil {
					fmt.Fprintf(a.out, "%s is drawn by imago: nothing to fetch\n", s.Name)
					continue
				}
				if err := s.Get(c.Context(), data.Options{DataDir: dir, Progress: a.err}); err != nil {
					return err
				}
				fmt.Fprintf(a.out, "%s is here and complete\n", s.Name)
			}
			return nil
		},
	}
	dataDirFlag(c, &dir)
	return c
}

// dataVerify returns the command data verify.
func (a *app) dataVerify() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:     "verify [<set>...]",
		Short:   "Check the files of sets against their digests",
		Example: "  imago data verify mnist",
		Args:    cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			all, err := a.sources(c, args)
			if err != nil {
				return err
			}
			bad, files := 0, 0
			for _, s := range all {
				if s.Verify == nil {
					fmt.Fprintf(a.out, "%-21s drawn by imago: nothing to verify\n", s.Name)
					continue
				}
				status, err := s.Verify(c.Context(), data.Options{DataDir: dir, Progress: a.err})
				if err != nil {
					return err
				}
				for _, f := range status {
					files++
					if f.Err != nil {
						bad++
						fmt.Fprintf(a.out, "%-21s BAD  %s\n", s.Name, a.errorText(f.Err))
						continue
					}
					fmt.Fprintf(a.out, "%-21s ok   %s  %s bytes  sha256 %s\n", s.Name, f.Path, thousands(f.Size), f.SHA256)
				}
			}
			if bad > 0 {
				return fmt.Errorf("data: %d of %d files are missing or wrong; the lines above say which", bad, files)
			}
			return nil
		},
	}
	dataDirFlag(c, &dir)
	return c
}
