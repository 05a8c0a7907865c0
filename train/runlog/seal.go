package runlog

import (
	"fmt"

	"github.com/imago-ml/imago/internal/atomicfile"
	"github.com/imago-ml/imago/internal/sealed"
)

// writeConfig writes run.json, whose last member is its checksum.
func (r *Run) writeConfig() error {
	text, err := r.Config.Encode("")
	if err == nil {
		text, err = sealed.Seal(text)
	}
	if err == nil {
		err = atomicfile.WriteBytesIn(r.Folder(), ConfigFile, text)
	}
	if err != nil {
		return fmt.Errorf("runlog: %w", err)
	}
	return nil
}

// unseal returns a configuration without its checksum, and reports whether it has one that is not its own.
func unseal(b []byte) (config []byte, changed bool) {
	config, sum := sealed.Unseal(b)
	return config, sum != "" && sum != sealed.Sum(config)
}

// Changed returns an error if run.json is not as imago wrote it: somebody has edited it, or a bit of it was lost. It is
// worth a warning. Runs of earlier versions have no checksum, and no such error.
func (r *Run) Changed() error {
	if !r.changed || r.unsaved { // it is written anew
		return nil
	}
	return fmt.Errorf("runlog: %s is not as imago wrote it: somebody has edited it, or it is damaged; train --resume with an option writes it anew", r.Path(ConfigFile))
}
