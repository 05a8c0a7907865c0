package catalog

import (
	"fmt"
	"io/fs"
	"sync"

	"github.com/imago-ml/imago/data"
	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/internal/zoo"
)

var mountZoo sync.Once

// Zoo makes zoo:NAME the path of the run of a trained model that imago brings along, for the whole process. Further calls
// change nothing.
func Zoo() {
	mountZoo.Do(func() {
		disk.Mount(zoo.Scheme, func(name string) (fs.FS, error) {
			files, err := zoo.Open(name)
			if err != nil {
				return nil, fmt.Errorf("no model %q%s: %w", name, data.DidYouMean(name, zoo.Names()), err)
			}
			return files, nil
		})
	})
}
