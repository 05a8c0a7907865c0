package optim

import (
	"fmt"
	"strconv"
	"strings"
)

// A Plateau lowers the learning rate when a loss has stopped improving, as ReduceLROnPlateau of Keras and PyTorch does:
// after Patience epochs in a row without an improvement the rate is multiplied by Factor, and the count starts anew. A
// loss has improved if it is below the best so far by more than 1e-4 of its size, as in PyTorch.
type Plateau struct {
	Patience int     // epochs, ≥ 1
	Factor   float64 // in (0, 1)
}

// A PlateauState is what a Plateau has seen of a loss. It is saved with a run, so its JSON names never change. The zero
// state has seen nothing.
type PlateauState struct {
	Factor float64 `json:"factor"` // of the learning rate so far, in (0, 1]; 0 = nothing was seen
	Best   float64 `json:"best"`   // lowest loss
	Waited int     `json:"waited"` // epochs since the loss improved, or since the rate was lowered after it
}

// plateauThreshold is the relative improvement that counts.
const plateauThreshold = 1e-4

// Next returns the state after another epoch with that loss.
func (p Plateau) Next(s PlateauState, loss float64) PlateauState {
	if s.Factor == 0 {
		return PlateauState{Factor: 1, Best: loss}
	}
	if loss < s.Best-plateauThreshold*max(s.Best, -s.Best) {
		return PlateauState{Factor: s.Factor, Best: loss}
	}
	s.Waited++
	if s.Waited >= p.Patience {
		s.Factor, s.Waited = s.Factor*p.Factor, 0
	}
	return s
}

// Rate returns the learning rate, given the initial one.
func (s PlateauState) Rate(lr float64) float64 {
	if s.Factor == 0 {
		return lr
	}
	return lr * s.Factor
}

// Plateau returns the rule of the schedule plateau, whose rate depends on a loss: At returns the initial rate. It is nil
// of any other schedule.
func (s Schedule) Plateau() *Plateau { return s.onLoss }

// parsePlateau returns the rule of a schedule's arguments, EPOCHS or EPOCHS:FACTOR.
func parsePlateau(text, arguments string, hasArguments bool) (*Plateau, error) {
	p := &Plateau{Patience: 10, Factor: 0.1}
	if !hasArguments {
		return p, nil
	}
	patience, factor, hasFactor := strings.Cut(arguments, ":")
	var err1, err2 error
	p.Patience, err1 = strconv.Atoi(patience)
	if hasFactor {
		p.Factor, err2 = strconv.ParseFloat(factor, 64)
	}
	if err1 != nil || err2 != nil || p.Patience < 1 || !(p.Factor > 0 && p.Factor < 1) {
		return nil, fmt.Errorf("optim: schedule %q: want plateau:EPOCHS:FACTOR with 1 epoch or more and a factor between 0 and 1, as plateau:10:0.1", text)
	}
	return p, nil
}
