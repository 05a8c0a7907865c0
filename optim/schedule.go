package optim

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A Schedule gives the learning rate of each epoch of a training; it is constant within an epoch. The zero Schedule keeps
// the initial learning rate. ParseSchedule makes the others.
type Schedule struct {
	rate   func(s Schedule, lr float64, epoch, epochs int) float64 // nil = constant
	every  int                                                     // of step: the number of epochs between two changes, ≥ 1
	factor float64                                                 // of step: in (0, 1]
	onLoss *Plateau                                                // of plateau
}

// schedules are the schedules by name, each with its usage in error messages.
var schedules = []struct {
	name, usage string
	rate        func(s Schedule, lr float64, epoch, epochs int) float64
}{
	{"constant", "constant", nil},
	{"step", "step:EPOCHS:FACTOR, as step:10:0.9", Schedule.step},
	{"cosine", "cosine", Schedule.cosine},
	{"burda", "burda", Schedule.burda},
	{"plateau", "plateau[:EPOCHS[:FACTOR]], as plateau:10:0.1", nil},
}

// ParseSchedule returns the schedule that a text describes, or an error that lists the possible texts. lr is the initial
// learning rate, e the epoch, from 0, and E the number of epochs:
//
//	constant, ""  lr
//	step:10:0.9   lr · 0.9^⌊e/10⌋
//	cosine        lr · (1 + cos(π·e/E))/2, Loshchilov & Hutter, arXiv:1608.03983, eq. 5 without restarts
//	burda         lr · 10^(−i/7) for the 3^i epochs of stage i = 0 … 7, 3280 epochs in all, and afterwards as in
//	              stage 7: Burda et al., arXiv:1509.00519, sec. 5
//	plateau:10:.1 lr · 0.1^r, where r counts how often a loss has not improved for 10 epochs; both numbers are the
//	              usual ones and may be left out: see Schedule.Plateau
func ParseSchedule(text string) (Schedule, error) {
	if text == "" {
		return Schedule{}, nil
	}
	name, arguments, hasArguments := strings.Cut(text, ":")
	var usages []string
	for _, k := range schedules {
		usages = append(usages, k.usage)
		switch {
		case k.name != name:
		case name == "step" && hasArguments:
			return parseStep(text, arguments)
		case name == "plateau":
			p, err := parsePlateau(text, arguments, hasArguments)
			return Schedule{onLoss: p}, err
		case name != "step" && !hasArguments:
			return Schedule{rate: k.rate}, nil
		}
	}
	return Schedule{}, fmt.Errorf("optim: schedule %q: want %s", text, strings.Join(usages, " or "))
}

// parseStep returns the schedule of the arguments EPOCHS:FACTOR.
func parseStep(text, arguments string) (Schedule, error) {
	s := Schedule{rate: Schedule.step}
	every, factor, _ := strings.Cut(arguments, ":")
	var err1, err2 error
	s.every, err1 = strconv.Atoi(every)
	s.factor, err2 = strconv.ParseFloat(factor, 64)
	if err1 != nil || err2 != nil || s.every < 1 || !(s.factor > 0 && s.factor <= 1) {
		return Schedule{}, fmt.Errorf("optim: schedule %q: want step:EPOCHS:FACTOR with 1 epoch or more and a factor above 0 and up to 1, as step:10:0.9", text)
	}
	return s, nil
}

// At returns the learning rate of an epoch, counted from 0, in a training of so many epochs with the initial learning
// rate lr.
func (s Schedule) At(lr float64, epoch, epochs int) float64 {
	if s.rate == nil {
		return lr
	}
	return s.rate(s, lr, epoch, epochs)
}

func (s Schedule) step(lr float64, epoch, _ int) float64 {
	return lr * math.Pow(s.factor, float64(epoch/s.every))
}

func (s Schedule) cosine(lr float64, epoch, epochs int) float64 {
	return lr * (1 + math.Cos(math.Pi*float64(epoch)/float64(max(epochs, epoch+1)))) / 2
}

func (s Schedule) burda(lr float64, epoch, _ int) float64 {
	i := 0
	for end, length := 1, 1; epoch >= end && i < 7; i++ {
		length *= 3
		end += length
	}
	return lr * math.Pow(10, -float64(i)/7)
}
