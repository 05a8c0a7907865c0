package graph

import (
	"bufio"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/imago-ml/imago/engine/tensor"
)

// ErrSyntax marks a text that is not a printed graph. Test with errors.Is.
var ErrSyntax = errors.New("not a printed graph")

// Parse reads what Func.String prints. The graph it returns is verified.
// Errors name the line and satisfy errors.Is(err, ErrSyntax).
func Parse(text string) (*Func, error) {
	p := parser{f: &Func{}}
	sc := bufio.NewScanner(strings.NewReader(text))
	sc.Buffer(nil, 1<<26)
	for line := 1; sc.Scan(); line++ {
		s := strings.TrimSpace(sc.Text())
		if s == "" || s[0] == '#' {
			continue
		}
		if err := p.line(s); err != nil {
			return nil, fmt.Errorf("graph: line %d: %w: %v", line, ErrSyntax, err)
		}
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("graph: %w: %v", ErrSyntax, err)
	}
	if err := Verify(p.f); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrSyntax, err)
	}
	return p.f, nil
}

type parser struct {
	f     *Func
	nodes []*Node
}

func (p *parser) line(s string) error {
	word, rest, _ := strings.Cut(s, " ")
	switch {
	case word == "func":
		name, err := strconv.Unquote(rest)
		p.f.Name = name
		return err
	case word == "return":
		i := strings.LastIndexByte(rest, '=')
		if i < 0 {
			return fmt.Errorf("return %s: want \"name\"=%%n", rest)
		}
		name, err := strconv.Unquote(rest[:i])
		if err != nil {
			return err
		}
		n, err := p.ref(rest[i+1:])
		p.f.Outputs = append(p.f.Outputs, Output{name, n})
		return err
	case word == "update":
		a, b, _ := strings.Cut(rest, "=")
		st, err := p.ref(a)
		if err != nil {
			return err
		}
		n, err := p.ref(b)
		p.f.Updates = append(p.f.Updates, Update{st, n})
		return err
	case word != "%"+strconv.Itoa(len(p.nodes)) || !strings.HasPrefix(rest, "= "):
		return fmt.Errorf("%q: want %%%d = …", s, len(p.nodes))
	}
	if len(p.nodes) == maxNodes {
		return fmt.Errorf("more than %d nodes", maxNodes)
	}
	n, err := p.node(rest[2:])
	if err != nil {
		return err
	}
	p.nodes = append(p.nodes, n)
	switch n.op {
	case OpInput:
		p.f.Inputs = append(p.f.Inputs, n)
	case OpState:
		p.f.States = append(p.f.States, n)
	}
	return nil
}

func (p *parser) ref(s string) (*Node, error) {
	i, err := strconv.Atoi(strings.TrimPrefix(s, "%"))
	if err != nil || i < 0 || i >= len(p.nodes) || s[0] != '%' {
		return nil, fmt.Errorf("%q names no earlier node", s)
	}
	return p.nodes[i], nil
}

func (p *parser) node(s string) (*Node, error) {
	words, err := split(s)
	if err != nil {
		return nil, err
	}
	if len(words) < 2 {
		return nil, fmt.Errorf("%q: want a primitive and a shape", s)
	}
	op := Op(0)
	for op < numOps && ops[op].name != words[0] {
		op++
	}
	if op == numOps {
		return nil, fmt.Errorf("no primitive %q", words[0])
	}
	br := strings.IndexByte(words[1], '[')
	if br < 0 {
		return nil, fmt.Errorf("%q: want a type and a shape, as f32[2,3]", words[1])
	}
	dt, err := tensor.ParseDType(words[1][:br])
	if err != nil {
		return nil, err
	}
	shape, err := ints(words[1][br:])
	if err != nil {
		return nil, err
	}
	if err := Shape(shape).Check(); err != nil {
		return nil, err
	}
	var a Attr
	var in []*Node
	for _, w := range words[2:] {
		if w[0] == '%' {
			x, err := p.ref(w)
			if err != nil {
				return nil, err
			}
			in = append(in, x)
		} else if err := a.parse(w); err != nil {
			return nil, err
		}
	}
	if op.shaped() {
		a.Hi = shape
	}
	var n *Node
	if err := Try(func() { n = newNode(op, a, in...) }); err != nil {
		return nil, err
	}
	if op == OpInput {
		n.dtype = dt
	}
	if n.dtype != dt || !n.shape.Equal(shape) {
		return nil, fmt.Errorf("%v is %v%v, not %v%v", op, n.dtype, n.shape, dt, Shape(shape))
	}
	return n, nil
}

func (a *Attr) parse(w string) (err error) {
	key, v, _ := strings.Cut(w, "=")
	switch key {
	case "name":
		a.Name, err = strconv.Unquote(v)
	case "data":
		a.Data, err = floats(v)
	case "axes":
		a.Axes, err = ints(v)
	case "lo":
		a.Lo, err = ints(v)
	case "hi":
		a.Hi, err = ints(v)
	case "step":
		a.Step, err = ints(v)
	case "stride":
		var s []int
		if s, err = ints(v); err == nil && len(s) != 2 {
			err = fmt.Errorf("stride %s: want two numbers", v)
		} else if err == nil {
			a.Conv.Stride = [2]int(s)
		}
	case "padding":
		switch v {
		case "same":
			a.Conv.Padding = Same
		case "valid":
			a.Conv.Padding = Valid
		default:
			err = fmt.Errorf("padding %q: want same or valid", v)
		}
	case "transA":
		a.TransA = true
	case "transB":
		a.TransB = true
	default:
		err = fmt.Errorf("no attribute %q", key)
	}
	return err
}

// split cuts at spaces outside quotes.
func split(s string) (words []string, err error) {
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		end, quoted := 0, false
		for end < len(s) && (quoted || s[end] != ' ') {
			switch {
			case quoted && s[end] == '\\':
				end++
			case s[end] == '"':
				quoted = !quoted
			}
			end++
		}
		if quoted || end > len(s) {
			return nil, fmt.Errorf("%q: unclosed quote", s)
		}
		words, s = append(words, s[:end]), s[end:]
	}
	return words, nil
}

func list(s string) ([]string, error) {
	if len(s) < 2 || s[0] != '[' || s[len(s)-1] != ']' {
		return nil, fmt.Errorf("%q: want [a,b,…]", s)
	}
	if s = s[1 : len(s)-1]; s == "" {
		return nil, nil
	}
	return strings.Split(s, ","), nil
}

const (
	maxRank  = 64      // bounds the lengths of shapes and axis lists that are read
	maxNodes = 1 << 20 // bounds the depth of the recursions over what was read
)

func ints(s string) ([]int, error) {
	if n := strings.Count(s, ",") + 1; n > maxRank {
		return nil, fmt.Errorf("a list of %d numbers, want at most %d", n, maxRank)
	}
	parts, err := list(s)
	v := make([]int, len(parts))
	for i, p := range parts {
		if v[i], err = strconv.Atoi(p); err != nil {
			return nil, err
		}
	}
	return v, err
}

func floats(s string) ([]float32, error) {
	parts, err := list(s)
	v := make([]float32, len(parts))
	for i, p := range parts {
		f, err := strconv.ParseFloat(p, 32)
		if err != nil {
			return nil, err
		}
		v[i] = float32(f)
	}
	return v, err
}
