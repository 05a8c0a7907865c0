package studio

import (
	"path/filepath"
	"testing"
)

// TestMayStart checks that of the jobs in the file of a queue, which may be a stranger's, only those start that the studio makes.
func TestMayStart(t *testing.T) {
	folder := t.TempDir()
	c := openPage(t, folder, func(o *Options) {
		o.Options = func(string) ([]Option, error) { return []Option{{Name: "latent"}}, nil }
	})
	data, name, out := "--data=digits", "--name=r", "--out="+folder
	run := filepath.Join(folder, "r")
	for _, x := range []struct {
		may        bool
		kind, name string
		args       []string
	}{
		{true, jobTrain, "r", []string{"train", "mlp-vae", data, name, out, "--latent=4", "--init=" + filepath.Join(folder, "s")}},
		{true, jobTrain, "r", []string{"train", "--resume=" + run, "--epochs=4"}},
		{true, jobEval, "r", []string{"eval", run}},
		{false, jobEval, "r", []string{"eval", run, "--out=/tmp/x"}},
		{false, jobTrain, "r", []string{"runs", "remove", "all"}},
		{false, "other", "r", []string{"train", "--resume=" + run}},
		{false, jobTrain, "../r", []string{"train", "--resume=" + filepath.Join(folder, "../r")}},
		{false, jobTrain, "r", []string{"train", "--resume=/tmp/r"}},
		{false, jobTrain, "r", []string{"train", "--resume=" + run, "--out=/tmp"}},
		{false, jobTrain, "r", []string{"train", "mlp-vae", data, name, "--out=/tmp"}},
		{false, jobTrain, "r", []string{"train", "mlp-vae", data, name, out, "--out=/tmp"}},
		{false, jobTrain, "r", []string{"train", "mlp-vae", "--data=/etc", name, out}},
		{false, jobTrain, "r", []string{"train", "nothing", data, name, out}},
		{false, jobTrain, "r", []string{"train", "mlp-vae", data, name, out, "--init=/etc/x"}},
		{false, jobTrain, "r", []string{"train", "mlp-vae", data, name, out, "more"}},
		{false, jobTrain, "r", []string{"train"}},
	} {
		if may := c.studio.mayStart(&job{Job: Job{Kind: x.kind, Run: x.name}, Args: x.args}); may != x.may {
			t.Errorf("%s of %q by %q may start: %v", x.kind, x.name, x.args, may)
		}
	}
}
