package runlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/imago-ml/imago/internal/atomicfile"
)

// The last member of run.json is the SHA-256 of what is before it, without white space and with a closing brace.
const (
	sealBefore = `,"sha256":"`
	sealAfter  = `"}`
)

// writeConfig writes run.json.
func (r *Run) writeConfig() error {
	text, err := r.Config.Encode("")
	if err != nil {
		return err
	}
	text = bytes.TrimSpace(text)
	sealed := fmt.Sprintf("%s%s%x%s", text[:len(text)-1], sealBefore, sha256.Sum256(text), sealAfter)
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(sealed), "", "  "); err != nil {
		return fmt.Errorf("runlog: %w", err)
	}
	b.WriteByte('\n')
	if err := atomicfile.WriteBytesIn(r.Folder(), ConfigFile, b.Bytes()); err != nil {
		return fmt.Errorf("runlog: %w", err)
	}
	return nil
}

// unseal returns a configuration without its checksum, and reports whether it has one that is not its own.
func unseal(b []byte) (config []byte, changed bool) {
	var c bytes.Buffer
	if json.Compact(&c, b) != nil {
		return b, false
	}
	text := c.String()
	at := strings.LastIndex(text, sealBefore)
	if at < 0 || !strings.HasSuffix(text, sealAfter) {
		return b, false
	}
	sum := strings.TrimSuffix(text[at+len(sealBefore):], sealAfter)
	if len(sum) != 2*sha256.Size || strings.ContainsAny(sum, `"\`) { // a field of another place
		return b, false
	}
	config = []byte(text[:at] + "}")
	return config, sum != fmt.Sprintf("%x", sha256.Sum256(config))
}

// Changed returns an error if run.json is not as imago wrote it: somebody has edited it, or a bit of it was lost. It is
// worth a warning. Runs of earlier versions have no checksum, and no such error.
func (r *Run) Changed() error {
	if !r.changed {
		return nil
	}
	return fmt.Errorf("runlog: %s is not as imago wrote it: somebody has edited it, or it is damaged; train --resume with an option writes it anew", r.Path(ConfigFile))
}
