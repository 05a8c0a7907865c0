package cli

import (
	"fmt"
	"net"
	"os/exec"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/internal/catalog"
	"github.com/imago-ml/imago/studio"
)

// studioCommand returns the command studio: it serves the page on which models are trained and explored.
func (a *app) studioCommand() *cobra.Command {
	var (
		port   int
		noOpen bool
		root   string
		stop   bool
	)
	c := &cobra.Command{
		Use:   "studio [<folder>]",
		Short: "Train and explore models on a page in the browser",
		Long: `studio opens a page in the browser on which models are trained, watched while they learn, explored, compared and tried on
pictures of your own. The folder, by default runs, is that of the runs: all that are in it are shown, also those that another
command trains, and the models that imago brings along (imago zoo).

The page is served to this machine alone. Its address has a token that is good for one browser, once; the next one is printed
then. A training that is started on the page is a process of its own at a low priority, so that the page stays instant; one runs
at a time, and the others wait. It goes on when the page is closed and when the studio ends, unless --stop-with-studio is given.
Ctrl-C ends the studio.`,
		Example: `  imago studio
  imago studio experiments --port 8080 --no-open`,
		Args: argCount(0, 1, "a folder"),
	}
	f := c.Flags()
	f.IntVar(&port, "port", 0, "`port` of the page; 0 takes one that is free")
	f.BoolVar(&noOpen, "no-open", false, "print the address, and open no browser")
	f.StringVar(&root, "root", ".", "`folder` below which the page may take files as data")
	f.BoolVar(&stop, "stop-with-studio", false, "save and end what the studio has started when it ends")
	c.RunE = func(c *cobra.Command, args []string) error {
		if port < 0 || port > 65535 {
			return usagef(c, "--port %d: want 1 to 65535, or 0 for one that is free", port)
		}
		folder := runsDir
		if len(args) == 1 {
			folder = args[0]
		}
		s, err := studio.New(studio.Options{
			Folder: folder, Root: root, Models: &a.Models, Data: &a.Data, OptionName: a.flagOf, Log: a.err,
			Backend: func() backend.Backend { return a.backend(0) },
			Command: ownCommand, Options: a.studioOptions, Choose: a.studioChoice, Paper: catalog.Paper, StopTrainings: stop,
		})
		if err != nil {
			return err
		}
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			s.Close()
			return fmt.Errorf("studio: %w; choose another --port, or 0 for one that is free", err)
		}
		first := true
		return s.Serve(c.Context(), l, func(url string) {
			if !first {
				fmt.Fprintf(a.out, "for another browser: %s\n", url)
				return
			}
			first = false
			if open := browserPath(); !noOpen && open != "" && exec.Command(open, url).Start() == nil {
				fmt.Fprintf(a.out, "Your browser opens the studio: %s\n", url)
			} else {
				fmt.Fprintf(a.out, "Open the studio in a browser: %s\n", url)
			}
			fmt.Fprintln(a.out, "Ctrl-C ends it.")
		})
	}
	return c
}
