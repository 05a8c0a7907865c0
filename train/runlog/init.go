package runlog

// An Init is where the initial weights of a run come from. It is there for the record: a
// checkpoint of step 0 has them, so that the run needs the file no more.
type Init struct {
	Source  string   `json:"source"`            // as the user gave it
	Path    string   `json:"path"`              // of the file of weights, absolute
	Digest  string   `json:"sha256"`            // of that file, in hex
	Recipe  string   `json:"recipe,omitempty"`  // of the model that had them; "" = imago did not write the file
	Step    int64    `json:"step,omitempty"`    // of its training
	Foreign bool     `json:"foreign,omitempty"` // the file is of another framework
	Unused  []string `json:"unused,omitempty"`  // tensors of the file that the model does not have
}
