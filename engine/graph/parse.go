package graph

import (
	"bufio"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/imago-ml/imago/engine/tensor"
)

// ErrSyntax is the error of Parse for a text that is not a printed graph. Test for it with errors.Is.
var ErrSyntax = errors.New("not a printed graph")

// Parse returns the function of a text that Func.String has written. It verifies the function. Blank lines and lines that
// begin with # are skipped. Errors name the line and satisfy errors.Is(err, ErrSyntax).
func Parse(text string) (*Func, error) {
	p := parser{f: &Func{}}
	sc := bufio.NewScanner(strings.NewReader(text))
	sc.Buffer(nil, 1<<26)
	for line := 1; sc.Scan(); line++ {
		s := strings.TrimSpace(sc.Text())
		if s == "" || s[0] == '#' {
			continue
		}
		if err := p.parseLine(s); err != nil {
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
	f     *Func   // what is read so far
	nodes []*Node // by number
}

// parseLine reads a line: the name, a node, an output or an update.
func (p *parser) parseLine(s string) error {
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
		n, err := p.nodeRef(rest[i+1:])
		p.f.Outputs = append(p.f.Outputs, Output{name, n})
		return err
	case word == "update":
		a, b, _ := strings.Cut(rest, "=")
		st, err := p.nodeRef(a)
		if err != nil {
			return err
		}
		n, err := p.nodeRef(b)
		p.f.Updates = append(p.f.Updates, Update{st, n})
		return err
	case word != "%"+strconv.Itoa(len(p.nodes)) || !strings.HasPrefix(rest, "= "):
		return fmt.Errorf("%q: want %%%d = …", s, len(p.nodes))
	}
	if len(p.nodes) == maxNodes {
		return fmt.Errorf("more than %d nodes", maxNodes)
	}
	n, err := p.parseNode(rest[2:])
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

// nodeRef returns the node that %n refers to.
func (p *parser) nodeRef(s string) (*Node, error) {
	i, err := strconv.Atoi(strings.TrimPrefix(s, "%"))
	if err != nil || i < 0 || i >= len(p.nodes) || s[0] != '%' {
		return nil, fmt.Errorf("%q is not the number of an earlier node", s)
	}
	return p.nodes[i], nil
}

// parseNode returns the node of a line, which is given without its number.
func (p *parser) parseNode(s string) (*Node, error) {
	words, err := splitWords(s)
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
	shape, err := parseInts(words[1][br:])
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
			x, err := p.nodeRef(w)
			if err != nil {
				return nil, err
			}
			in = append(in, x)
		} else if err := a.parse(w); err != nil {
			return nil, err
		}
	}
	if op.hasShapeAttr() {
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

// parse sets the attribute of a word such as axes=[0,1].
func (a *Attr) parse(w string) (err error) {
	key, v, _ := strings.Cut(w, "=")
	switch key {
	case "name":
		a.Name, err = strconv.Unquote(v)
	case "data":
		a.Data, err = parseFloats(v)
	case "axes":
		a.Axes, err = parseInts(v)
	case "lo":
		a.Lo, err = parseInts(v)
	case "hi":
		a.Hi, err = parseInts(v)
	case "step":
		a.Step, err = parseInts(v)
	case "stride":
		var s []int
		if s, err = parseInts(v); err == nil && len(s) != 2 {
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

// splitWords returns the parts of s between spaces that are not in quotes.
func splitWords(s string) (words []string, err error) {
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

// splitList returns the elements of [a,b,…] as texts.
func splitList(s string) ([]string, error) {
	if len(s) < 2 || s[0] != '[' || s[len(s)-1] != ']' {
		return nil, fmt.Errorf("%q: want [a,b,…]", s)
	}
	if s = s[1 : len(s)-1]; s == "" {
		return nil, nil
	}
	return strings.Split(s, ","), nil
}

const (
	maxRank  = 64      // the largest length of a shape or a list of axes
	maxNodes = 1 << 20 // the largest number of nodes; it bounds the depth of recursions
)

func parseInts(s string) ([]int, error) {
	if n := strings.Count(s, ",") + 1; n > maxRank {
		return nil, fmt.Errorf("a list of %d numbers, want at most %d", n, maxRank)
	}
	parts, err := splitList(s)
	v := make([]int, len(parts))
	for i, p := range parts {
		if v[i], err = strconv.Atoi(p); err != nil {
			return nil, err
		}
	}
	return v, err
}

func parseFloats(s string) ([]float32, error) {
	parts, err := splitList(s)
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
