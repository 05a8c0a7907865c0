package cli

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// A command that draws looks at no context, and ends all the same when it is interrupted.
func TestEndWithin(t *testing.T) {
	var done int
	deaf := func(name string) *cobra.Command {
		return &cobra.Command{Use: name, RunE: func(*cobra.Command, []string) error {
			time.Sleep(2 * time.Second)
			done++
			return nil
		}}
	}
	above, below := deaf("anomaly"), deaf("fit")
	above.AddCommand(below)
	endWithin(above)
	for _, c := range []*cobra.Command{above, below} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		c.SetContext(ctx)
		if err := c.RunE(c, nil); err != context.DeadlineExceeded || done > 0 {
			t.Errorf("%s: %v, want the end before it is done", c.Name(), err)
		}
		cancel()
	}
	if c, _, err := newApp(&bytes.Buffer{}, &bytes.Buffer{}).root().Find([]string{evalName}); err != nil || c.Name() != evalName {
		t.Errorf("no command %s: %v", evalName, err)
	}
	if first := newApp(&bytes.Buffer{}, &bytes.Buffer{}).sections()[0].title; first != trainSection {
		t.Errorf("the first section is called %s, want %s", first, trainSection)
	}
}
