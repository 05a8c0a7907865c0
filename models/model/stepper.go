package model

// The inputs and outputs of a Stepper, beside InputZ and InputLabels.
const (
	InputToken  = "token"  // float32 (B): the id before the step, −1 before the first
	InputState  = "state"  // float32 (B,S)
	OutputState = "state"  // (B,S)
	OutputNext  = "logits" // (B,V): of the next token
)

// A Stepper is a decoder of sequences of tokens, p(x|z) = Π_t p(x_t|x_<t, z), one step at a
// time: who calls it chooses each token, as by chance at some temperature or by a search,
// where Decode takes the most likely one. Its functions take InputZ, or not if the model has
// no codes, and InputLabels where Decode does.
type Stepper struct {
	// Start returns OutputState before the first token.
	Start Function
	// Step takes InputState and InputToken, and returns OutputNext and OutputState.
	Step Function
}
