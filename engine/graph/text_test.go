package graph_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/imago-ml/imago/engine/graph"
	"github.com/imago-ml/imago/engine/graph/graphtest"
	"github.com/imago-ml/imago/engine/rng"
	"github.com/imago-ml/imago/engine/tensor"
)

// roundTrip returns the function that Parse reads from the text of f. It fails t unless both have the same text.
func roundTrip(t *testing.T, f *graph.Func) *graph.Func {
	t.Helper()
	text := f.String()
	g, err := graph.Parse(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if again := g.String(); again != text {
		t.Fatalf("printed\n%s\nread and printed\n%s", text, again)
	}
	return g
}

// A function that is printed and parsed computes the same numbers.
func TestRoundTrip(t *testing.T) {
	for seed := range uint64(150) {
		key := rng.New(seed)
		f := graphtest.RandomFunc(key)
		g := roundTrip(t, f)
		env := graphtest.RandomEnv(key, f)
		want, err := graph.Interp(f, env)
		if err != nil {
			t.Fatal(err)
		}
		env2 := graphtest.RandomEnv(key, f)
		got, err := graph.Interp(g, env2)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			wantEqual(t, fmt.Sprintf("seed %d: output %d", seed, i), got[i], want[i]...)
		}
		for name, v := range env.States {
			wantEqual(t, fmt.Sprintf("seed %d: state %q", seed, name), env2.States[name], v...)
		}
	}
}

func TestPrint(t *testing.T) {
	a, w := graph.Input("x", tensor.Float32, 2, 3), graph.State("dense \"1\" = %2", 3, 4)
	key := graph.Input("key", tensor.Int32, 4)
	h := graph.Add(graph.MatMulT(a, w, false, false), graph.ConstOf([]float32{0.1, -2, 1e-20, float32(math.Inf(1))}, 4))
	h = graph.Mul(h, graph.Normal(key, "eps", 2, 4))
	img := graph.Pad(graph.Reshape(h, 1, 2, 2, 2), []int{0, 1, 0, 0}, []int{0, 0, 1, 0}, []int{0, 1, 0, 0})
	y := graph.Conv2D(img, graph.BroadcastTo(graph.Const(1), 1, 2, 2, 3), graph.ConvConfig{Stride: [2]int{2, 1}, Padding: graph.Valid})
	f, err := graph.NewFunc("a step", []*graph.Node{a, key},
		[]graph.Output{{Name: "loss = 1", Value: graph.Sum(y)}},
		[]graph.Update{{State: w, Value: graph.Transpose(graph.Transpose(w, 1, 0), 1, 0)}})
	if err != nil {
		t.Fatal(err)
	}
	roundTrip(t, f)
	const want = `func "a step"
%0 = input f32[2,3] name="x"
%1 = input i32[4] name="key"
%2 = state f32[3,4] name="dense \"1\" = %2"
%3 = matmul f32[2,4] %0 %2
%4 = const f32[4] data=[0.1,-2,1e-20,+Inf]
%5 = broadcast f32[2,4] %4
%6 = add f32[2,4] %3 %5
%7 = normal f32[2,4] %1 name="eps"
%8 = mul f32[2,4] %6 %7
%9 = reshape f32[1,2,2,2] %8
%10 = pad f32[1,4,3,2] %9 lo=[0,1,0,0] hi=[0,0,1,0] step=[0,1,0,0]
%11 = const f32[] data=[1]
%12 = broadcast f32[1,2,2,3] %11
%13 = conv2d f32[1,2,2,3] %10 %12 stride=[2,1] padding=valid
%14 = sum f32[] %13 axes=[0,1,2,3]
%15 = transpose f32[4,3] %2 axes=[1,0]
%16 = transpose f32[3,4] %15 axes=[1,0]
return "loss = 1"=%14
update %2=%16
`
	if got := f.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Parse returns ErrSyntax for each of these texts, with the line and the reason.
func TestParseErrors(t *testing.T) {
	const head = "func \"f\"\n%0 = input f32[2,3] name=\"x\"\n"
	for _, c := range []struct{ text, want string }{
		{"hello", `line 1: not a printed graph: "hello": want %0 = …`},
		{"func f", "line 1: not a printed graph: invalid syntax"},
		{head + "%2 = neg f32[2,3] %0", "line 3: not a printed graph: \"%2 = neg f32[2,3] %0\": want %1 = …"},
		{head + "%1 = neg f32[2,3] %1", `line 3: not a printed graph: "%1" is not the number of an earlier node`},
		{head + "%1 = neg f32[2,3] %-1", `"%-1" is not the number of an earlier node`},
		{head + "%1 = neg f32[3,2] %0", "neg is f32[2,3], not f32[3,2]"},
		{head + "%1 = neg i32[2,3] %0", "neg is f32[2,3], not i32[2,3]"},
		{head + "%1 = neg f32[2,3]", "graph: neg(): takes 1 operands"},
		{head + "%1 = nog f32[2,3] %0", `no primitive "nog"`},
		{head + "%1 = neg f64[2,3] %0", "f64"},
		{head + "%1 = neg f32 %0", `"f32": want a type and a shape, as f32[2,3]`},
		{head + "%1 = neg f32[2,3 %0", "want [a,b,…]"},
		{head + "%1 = neg", "want a primitive and a shape"},
		{head + "%1 = sum f32[2] %0 axes=[1,1]", "graph: sum([2,3]): axes [1 1] are not different axes of a rank 2 operand"},
		{head + "%1 = sum f32[2] %0 axis=[1]", `no attribute "axis"`},
		{head + "%1 = const f32[2] data=[1]\nreturn \"y\"=%1", "const of shape [2] has 1 elements"},
		{head + "%1 = const f32[] data=[1e99]", "value out of range"},
		{head + "%1 = input f32[2] name=\"x\"", `empty or repeated input name "x"`},
		{head + "%1 = input f32[2] name=\"x", "unclosed quote"},
		{head + "return \"y\"=%7", `"%7" is not the number of an earlier node`},
		{head + "return \"y\"=", `"" is not the number of an earlier node`},
		{head + "return y", `return y: want "name"=%n`},
		{head + "return \"y\"=%0\nreturn \"y\"=%0", `output 1: empty or repeated name "y"`},
		{head + "update %0=%0", "update of a input"},
		{head + "update", `"" is not the number of an earlier node`},
		// Sizes that would be large, or overflow.
		{"%0 = input f32[100000,100000] name=\"x\"", "has more than 2147483647 elements"},
		{"%0 = input f32[4294967296,4294967296] name=\"x\"", "has more than 2147483647 elements"},
		{"%0 = input f32[99999999999999999999] name=\"x\"", "value out of range"},
		{"%0 = input f32[0] name=\"x\"", "axis 0 is 0, want at least 1"},
		{"%0 = input f32[-1] name=\"x\"", "axis 0 is -1, want at least 1"},
		{"%0 = const f32[2000000000] data=[1]\nreturn \"y\"=%0", "has 1 elements"},
		{head + "%1 = pad f32[2,3] %0 lo=[0,0] hi=[9223372036854775807,0] step=[0,0]", "axis 0: "},
		{head + "%1 = pad f32[2,3] %0 lo=[9223372036854775807,0] hi=[9223372036854775807,0] step=[2,0]", "axis 0: "}, // overflows to 2
		{head + "%1 = pad f32[2,1] %0 lo=[0,0] hi=[0,0] step=[0,9223372036854775807]", "axis 1: "},                   // overflows to 1
		{"%0 = input f32[" + strings.Repeat("1,", 5000) + "1] name=\"x\"", "want at most 64"},
	} {
		_, err := graph.Parse(c.text)
		if !errors.Is(err, graph.ErrSyntax) || !strings.Contains(fmt.Sprint(err), c.want) {
			t.Errorf("%.200q\ngives %.200v\nwant  %s", c.text, err, c.want)
		}
	}
}

// FuzzParse checks that Parse returns ErrSyntax or a function that verifies and that prints and parses again.
func FuzzParse(f *testing.F) {
	for seed := range uint64(60) {
		if s := graphtest.RandomFunc(rng.New(seed)).String(); len(s) < 3000 { // short ones mutate faster
			f.Add(s)
		}
	}
	for _, s := range []string{
		"",
		"# nothing\n\nfunc \"a\\x00\\\"b\"\n",
		"%0 = input u8[2] name=\"x\"\nreturn \"y\"=%0",
		"%0 = input f32[2147483647] name=\"x\"\n%1 = exp f32[2147483647] %0\nreturn \"y\"=%1",
		"%0 = input f32[100000,100000] name=\"x\"",
		"%0 = input f32[2,1] name=\"x\"\n%1 = pad f32[2,1] %0 lo=[9223372036854775807,0] hi=[9223372036854775807,0] step=[2,9]\nreturn \"y\"=%1",
		"%0 = input f32[5] name=\"x\"\n%1 = slice f32[1] %0 lo=[4] hi=[5] step=[9223372036854775807]\nreturn \"y\"=%1",
		"%0 = state f32[1,5,5,1] name=\"x\"\n%1 = state f32[3,3,1,2] name=\"w\"\n%2 = conv2d f32[1,1,1,2] %0 %1 stride=[9223372036854775807,9223372036854775807] padding=same\nreturn \"y\"=%2",
		"%0 = state f32[1,5,5,1] name=\"x\"\n%1 = conv2d_filter_grad f32[3,3,1,1] %0 %0 stride=[1,1] padding=same\nupdate %0=%0\nreturn \"y\"=%1",
		"%0 = const f32[3] data=[NaN,-Inf,-0] lo=[] name=\"a b\" transA\n%1 = concat f32[6] %0 %0 axes=[0]\nreturn `y`=%1",
		"%0 = concat f32[] axes=[0]",
		"%0 = input i32[4] name=\"k\"\n%1 = uniform f32[2] %0\n%2 = normal f32[] %0 name=\"n\"\nreturn \"u\"=%1\nreturn \"n\"=%2",
	} {
		f.Add(s)
	}
	f.Fuzz(checkParse)
}

// checkParse checks that text is refused with ErrSyntax, or is a function that verifies and that prints and parses again.
func checkParse(t *testing.T, text string) {
	g, err := graph.Parse(text)
	if err != nil {
		if !errors.Is(err, graph.ErrSyntax) {
			t.Fatalf("the error is %v, not ErrSyntax", err)
		}
		return
	}
	if err := graph.Verify(g); err != nil {
		t.Fatalf("Parse returned an ill-formed function: %v", err)
	}
	roundTrip(t, g)
}
