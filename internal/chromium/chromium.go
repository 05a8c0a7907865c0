// Package chromium drives Chromium in tests of pages. A tab reaches no host but those that it is allowed, and what a page must
// not do fails the test: an exception, an error or a warning on the console, a request to another host.
//
//	tab := chromium.Open(t, "127.0.0.1:8080")
//	chromium.Run(t, tab, chromedp.Navigate("http://127.0.0.1:8080/"))
//	n := chromium.Eval[int](t, tab, "document.images.length")
//
// It is skipped where there is no Chromium, but fails with CI=true, so that no job passes by skipping. Only tests may import
// this package. It must not know what the pages are.
package chromium

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"math"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// A Tab is a tab of Chromium. It notes what a page must not do.
type Tab struct {
	context.Context
	hosts  []string
	mu     sync.Mutex
	faults []string
}

// Open starts Chromium with a tab that may ask those hosts, each an address with its port. It skips the test where there is no
// Chromium, and fails it in CI.
func Open(t testing.TB, hosts ...string) *Tab {
	t.Helper()
	return OpenWith(t, nil, hosts...)
}

// OpenWith opens a tab as Open does, of a Chromium with switches more, each without its two dashes: NAME or NAME=VALUE.
func OpenWith(t testing.TB, switches []string, hosts ...string) *Tab {
	t.Helper()
	bin := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			bin = path
			break
		}
	}
	if bin == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("no Chromium to open pages in")
		}
		t.Skip("no Chromium to open pages in")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(bin), chromedp.NoSandbox, chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
		chromedp.Flag("enable-unsafe-swiftshader", true)) // WebGL without a graphics card
	for _, s := range switches {
		if name, value, ok := strings.Cut(s, "="); ok {
			options = append(options, chromedp.Flag(name, value))
		} else {
			options = append(options, chromedp.Flag(name, true))
		}
	}
	allocated, endAllocation := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(endAllocation)
	return open(t, allocated, hosts)
}

// Another opens another tab of the same browser, which may ask the same hosts. Both have the same cookies and storage.
func Another(t testing.TB, b *Tab) *Tab {
	t.Helper()
	return open(t, b.Context, b.hosts)
}

// open opens a tab that notes what it must not do.
func open(t testing.TB, parent context.Context, hosts []string) *Tab {
	t.Helper()
	ctx, end := chromedp.NewContext(parent)
	t.Cleanup(end)
	b := &Tab{Context: ctx, hosts: hosts}
	note := func(format string, args ...any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.faults = append(b.faults, fmt.Sprintf(format, args...))
	}
	err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			note("exception: %s %v", e.ExceptionDetails.Text, e.ExceptionDetails.Exception)
		case *runtime.EventConsoleAPICalled:
			if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
				var text []string
				for _, a := range e.Args {
					text = append(text, string(a.Value)+a.Description)
				}
				note("console: %s", strings.Join(text, " "))
			}
		case *log.EventEntryAdded:
			if strings.Contains(e.Entry.Text, "GL Driver Message") { // of a machine without a graphics card: the page has no part in it
				return
			}
			note("log: %s %s", e.Entry.Text, e.Entry.URL)
		case *network.EventRequestWillBeSent:
			u := e.Request.URL
			host := func(h string) bool { return strings.HasPrefix(u, "http://"+h+"/") }
			if e.Type != "Document" && !strings.HasPrefix(u, "data:") && !strings.HasPrefix(u, "blob:") && !slices.ContainsFunc(b.hosts, host) {
				note("request: %.200s", u)
			}
		}
	})
	if err == nil {
		_, err = chromedp.Call(ctx, network.Enable, network.EnableParams{})
	}
	if err == nil {
		_, err = chromedp.Call(ctx, log.Enable, cdp.Empty{})
	}
	if err == nil {
		_, err = chromedp.Call(ctx, runtime.Enable, cdp.Empty{})
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Run runs an action, and fails the test for an error and for what the page must not do.
func Run[T any](t testing.TB, b *Tab, action chromedp.Action[T]) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.Context, 2*time.Minute)
	defer cancel()
	v, err := chromedp.Run(ctx, action)
	if err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.faults {
		t.Error(f)
	}
	b.faults = nil
	return v
}

// Eval returns the value of an expression of the page.
func Eval[T any](t testing.TB, b *Tab, expression string) T {
	t.Helper()
	return Run(t, b, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// Size sets the width and height of the window, and whether the page is dark.
func Size(t testing.TB, b *Tab, width, height int64, dark bool) {
	t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	_, err := chromedp.Call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 500})
	if err == nil {
		_, err = chromedp.Call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Numbers returns the numbers that an expression of a page has.
func (b *Tab) Numbers(t testing.TB, expression string) []float32 {
	t.Helper()
	return Eval[[]float32](t, b, "Array.from("+expression+")")
}

// Same fails the test unless a screenshot is the picture in a file of the repository. Letters are not the same on every machine,
// so only the mean difference of pixels counts: at most 6 levels of grey.
func Same(t testing.TB, shot, stored image.Image, file string) {
	t.Helper()
	if shot.Bounds() != stored.Bounds() {
		t.Fatalf("a picture of %v, where %s has %v: draw it again", shot.Bounds(), file, stored.Bounds())
	}
	b, sum := stored.Bounds(), 0.0
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			sum += math.Abs(grey(shot.At(x, y)) - grey(stored.At(x, y)))
		}
	}
	mean := sum / float64(b.Dx()*b.Dy())
	t.Logf("%s: a mean difference of %.2f levels of 255", file, mean)
	if !(mean <= 6) {
		t.Errorf("%s is no longer what the page looks like: draw it again", file)
	}
}

// grey returns the luminance of a colour, 0 to 255.
func grey(c color.Color) float64 { return float64(color.GrayModel.Convert(c).(color.Gray).Y) }
