package cli

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/imago-ml/imago/engine/backend"
	"github.com/imago-ml/imago/internal/disk"
	"github.com/imago-ml/imago/internal/english"
	"github.com/imago-ml/imago/internal/memory"
	"github.com/imago-ml/imago/internal/screen"
	"github.com/imago-ml/imago/internal/zoo"
	"github.com/imago-ml/imago/serve"
	"github.com/imago-ml/imago/serve/batch"
	"github.com/imago-ml/imago/serve/guard"
	"github.com/imago-ml/imago/train"
)

// tokenVariable is the variable of the environment with the bearer token.
const tokenVariable = "IMAGO_TOKEN"

// A serveFlags is the flags of the command serve.
type serveFlags struct {
	listen           string
	cert, key, token string
	hosts, origins   []string
	models           sizeFlag
	body             sizeFlag
	items, requests  int
	batch, waiting   int
	alone            bool
	timeout, grace   time.Duration
	threads          int
	checkpoint       string
}

// serve returns the command serve: it answers requests for trained models over HTTP.
func (a *app) serve() *cobra.Command {
	var o serveFlags
	c := &cobra.Command{
		Use:   "serve <run or weights file>...",
		Short: "Answer requests for trained models over HTTP",
		Long: `serve answers requests over HTTP: samples, items of codes, codes of items, reconstructions, ways between codes, edits
and anomaly scores, in JSON, PNG, raw float32 or safetensors, and by the inference protocol of KServe.
/openapi.json describes all of it; docs/serve.md shows it.

A model is called by the name of its run or file, or as NAME=RUN says; the first one also answers without a name. The
requests of several clients are run together, and have the same bits as alone. Models that are not used are dropped
when others need the memory, and loaded again.

Only programs of this machine are answered, unless --listen names another address: then a certificate and a token are
needed. The token is read from --token-file or from ` + tokenVariable + `, as a command line can be read by others. The first
interrupt (Ctrl-C) or SIGTERM ends the server when the requests in progress are answered.`,
		Example: `  imago serve zoo:cnn-vae
  imago serve latest faces=zoo:face-vae --listen 127.0.0.1:9000
  imago serve weights.safetensors --listen :8443 --tls-cert cert.pem --tls-key key.pem --token-file token --allow-host imago.example.org`,
		Args: argCount(1, -1, "one or more runs or weights files"),
	}
	f := c.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "`address` to listen at; port 0 chooses one")
	f.StringVar(&o.cert, "tls-cert", "", "PEM `file` of the certificate, for HTTPS")
	f.StringVar(&o.key, "tls-key", "", "PEM `file` of its key")
	f.StringVar(&o.token, "token-file", "", "`file` with the bearer token that clients must send (default the value of "+tokenVariable+")")
	f.StringSliceVar(&o.hosts, "allow-host", nil, "`names` by which clients call the server, beside localhost and its address")
	f.StringSliceVar(&o.origins, "allow-origin", nil, "`origins` whose pages may ask, as https://app.example.org")
	f.Var(&o.models, "models-memory", "most memory of loaded models, as a `size` (default half of --memory)")
	f.Var(&o.body, "max-body", "longest body of a request, as a `size` (default 32MB)")
	f.IntVar(&o.items, "max-items", 1024, "most `items` of a request")
	f.IntVar(&o.requests, "max-requests", 512, "most `requests` that are worked on or wait; more are answered by 429")
	f.IntVar(&o.batch, "batch", 64, "most `items` that are run together")
	f.IntVar(&o.waiting, "queue", 4096, "most `items` that wait for a model; more are answered by 429")
	f.BoolVar(&o.alone, "no-company", false, "run the items of each request by themselves")
	f.DurationVar(&o.timeout, "timeout", 30*time.Second, "longest `time` of an answer")
	f.DurationVar(&o.grace, "grace", 10*time.Second, "longest `time` for requests in progress when the server ends")
	f.IntVar(&o.threads, "threads", 0, "`number` of threads of each model; 0 means half of the processors, as the others answer clients")
	f.StringVar(&o.checkpoint, "checkpoint", bestCheckpoint, "checkpoint of the runs: best or latest")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := o.check(); err != nil {
			return usage(c, err)
		}
		opt, err := o.options(a)
		if err != nil {
			return err
		}
		if os.Getenv("GOGC") == "" {
			debug.SetGCPercent(400) // answers are garbage soon, and the heap is small
		}
		threads := o.threads
		if threads == 0 {
			threads = max(1, runtime.GOMAXPROCS(0)/2)
		}
		lib := serve.NewLibrary(serve.LibraryOptions{
			Backend: func() backend.Backend { return newBackend(threads) }, Memory: int64(o.models),
			Batch: batch.Options{Most: o.batch, Waiting: o.waiting, Alone: o.alone},
		})
		defer lib.Close()
		for _, arg := range args {
			if err := a.addServed(c.Context(), lib, arg, o.checkpoint); err != nil {
				return err
			}
		}
		return a.runServer(c.Context(), lib, opt, o.listen)
	}
	return c
}

// check returns the first error in the flags.
func (o *serveFlags) check() error {
	positive := func(name string, d time.Duration) error {
		if d <= 0 {
			return fmt.Errorf("--%s %v: want a time above 0, as 30s", name, d)
		}
		return nil
	}
	host, _, err := net.SplitHostPort(o.listen)
	if err != nil {
		return fmt.Errorf("--listen %q: want an address and a port, as 127.0.0.1:8080", o.listen)
	}
	if (o.cert == "") != (o.key == "") {
		return errors.New("--tls-cert and --tls-key: want both of them or none")
	}
	if !isLoopback(host) && o.cert == "" {
		return fmt.Errorf("--listen %s is for other machines: it wants --tls-cert, --tls-key and a token", o.listen)
	}
	return cmp.Or(atLeast("threads", o.threads, 0), atLeast("max-items", o.items, 1), atLeast("max-requests", o.requests, 1), atLeast("batch", o.batch, 1),
		atLeast("queue", o.waiting, 1), positive("timeout", o.timeout), positive("grace", o.grace), oneOf("checkpoint", o.checkpoint, bestCheckpoint, "latest"))
}

// isLoopback reports whether only programs of this machine reach an address.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// options returns the options of the server, with its certificate and token.
func (o *serveFlags) options(a *app) (serve.Options, error) {
	opt := serve.Options{
		Guard:   guard.Options{Hosts: o.hosts, Origins: o.origins, Token: os.Getenv(tokenVariable)},
		MaxBody: int64(o.body), MaxItems: o.items, Requests: o.requests, Timeout: o.timeout, Grace: o.grace,
		Log: func(text string) { a.warn("%s", text) },
	}
	if o.token != "" {
		b, err := os.ReadFile(o.token)
		if err != nil {
			return opt, fmt.Errorf("--token-file: %w", err)
		}
		if opt.Guard.Token = strings.TrimSpace(string(b)); opt.Guard.Token == "" {
			return opt, fmt.Errorf("--token-file %s: it is empty: want a token, as openssl rand -hex 32 makes one", o.token)
		}
	}
	if host, _, _ := net.SplitHostPort(o.listen); !isLoopback(host) && opt.Guard.Token == "" {
		return opt, fmt.Errorf("--listen %s is for other machines: it wants a token, by --token-file or %s", o.listen, tokenVariable)
	}
	if o.cert != "" {
		pair, err := tls.LoadX509KeyPair(o.cert, o.key)
		if err != nil {
			return opt, fmt.Errorf("--tls-cert %s, --tls-key %s: %w", o.cert, o.key, err)
		}
		opt.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	return opt, nil
}

// addServed adds the model that an argument names, as RUN or NAME=RUN.
func (a *app) addServed(ctx context.Context, lib *serve.Library, arg, checkpoint string) error {
	name, run, named := strings.Cut(arg, "=")
	if _, err := disk.Stat(arg); err == nil || !named {
		name, run = "", arg
	}
	path, err := resolveRun(run)
	if err != nil {
		return err
	}
	if name == "" {
		name = strings.TrimPrefix(filepath.Base(path), zoo.Scheme)
		name = strings.TrimSuffix(name, ".safetensors")
	}
	first := true
	err = lib.Add(ctx, name, func(be backend.Backend) (*train.Trained, error) {
		t, err := a.load(path, checkpoint, be)
		if err == nil && first {
			for _, why := range t.Warnings {
				a.warn("%s", a.errorText(fmt.Errorf("%w; step %s is taken", why, thousands(t.Step))))
			}
			first = false
		}
		return t, err
	})
	if err != nil {
		return fmt.Errorf("%s: %w; NAME=%s gives it a name", screen.Name(arg), err, screen.ShellName(run))
	}
	return nil
}

// runServer serves a library until the command is interrupted.
func (a *app) runServer(ctx context.Context, lib *serve.Library, opt serve.Options, listen string) error {
	s, err := serve.New(lib, opt)
	if err != nil {
		return err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("--listen %s: %w", listen, err)
	}
	scheme := "http"
	if opt.TLS != nil {
		scheme = "https"
	}
	for _, m := range lib.About() {
		fmt.Fprintf(a.out, "%s: %s at step %s, %s; it can %s\n", m.Name, m.Recipe, thousands(m.Step), memory.Bytes(m.Bytes), strings.Join(m.Can, ", "))
	}
	fmt.Fprintf(a.out, "serving %s at %s://%s, described at /openapi.json\n", english.Plural(len(lib.Names()), "model"), scheme, listener.Addr())
	return s.Serve(ctx, listener)
}
