package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"dialtone/app/address"
	"dialtone/app/serve"

	"github.com/spf13/cobra"
)

func newServeCommand() *cobra.Command {
	f := &serveFlags{}
	cmd := &cobra.Command{
		Use:   "serve [ADDR...] [flags] [-- CMD ARGS...]",
		Short: "Hold conversations with any number of clients",
		Long: `Serve holds conversations with any number of clients at the same time. Without
an address it listens on tcp://127.0.0.1:8000 and udp://127.0.0.1:8000. Port 0
picks a free port. The addresses are printed on standard output, everything
else on standard error.

What it says depends on the service:
  --service upper         the same in upper case; a line "exit" ends the
                          conversation (the default)
  --service echo          the same bytes
  --service discard       nothing
  --service time          what time it is, and closes
  --service reply         --text, to every message
  --service chat          what the others say: everybody hears everybody
  --service exec          what CMD says: one process for each connection, as
                          its standard input and output
  --service forward ADDR  what the server at ADDR says, a relay to it; ADDR is
                          the last of the addresses

Ctrl-C or SIGTERM ends it: nobody new may come in, and the conversations that
are open get --drain to finish. A second Ctrl-C closes them at once. SIGHUP
reads the TLS files again. Sockets that systemd hands over are served too.

With --net it listens on dialtone's own TCP/IP stack, at ADDR port 8000 unless
told otherwise, for hosts that reach it through a TAP device; --metrics and
systemd's sockets stay the kernel's.`,
		Example: `  dialtone serve
  dialtone serve 127.0.0.1:0 udp://127.0.0.1:0 --service echo -v
  dialtone serve tls://127.0.0.1:0 --service time
  dialtone serve unix:talk.sock --service chat
  dialtone serve 127.0.0.1:0 --service exec -- tr a-z A-Z
  dialtone serve 127.0.0.1:0 --service forward 127.0.0.1:8000
  sudo dialtone serve --net tap:tap0,10.0.0.2/24,kernel=10.0.0.1`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	f.define(cmd)
	complete(cmd, "service", "upper", "echo", "discard", "time", "reply", "chat", "exec", "forward")
	complete(cmd, "log", "text", "json", "off")
	completeBy(cmd, "net", completeNet)
	return cmd
}

// run is the verb: everything is checked before anything listens.
func (f *serveFlags) run(cmd *cobra.Command, args []string) error {
	logger, err := f.logger()
	if err != nil {
		return err
	}
	if err := f.net.refuse(cmd.Flags(), "reuseport"); err != nil {
		return err
	}
	var command []string
	if dash := cmd.ArgsLenAtDash(); dash >= 0 {
		args, command = args[:dash], args[dash:]
	}
	service, args, err := f.newService(logger, args, command)
	if err != nil {
		return err
	}
	if err := f.finishLimits(); err != nil {
		return err
	}
	doors, err := activated()
	if err != nil {
		return err
	}
	addrs, err := f.listenAddresses(args, len(doors))
	if err != nil {
		return err
	}
	server := &serve.Server{Service: service, Limits: f.limits, Log: logger, ProxyProtocol: f.proxy}
	if f.verbose > 0 {
		server.View = &serve.View{W: os.Stderr, Hex: f.verbose > 1}
	}
	if err := f.loadIdentity(doors, addrs); err != nil {
		return err
	}
	return f.serve(cmd.Context(), server, doors, addrs, cmd.OutOrStdout())
}

func (f *serveFlags) logger() (*slog.Logger, error) {
	switch f.log {
	case "text":
		return slog.New(slog.NewTextHandler(os.Stderr, nil)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(os.Stderr, nil)), nil
	case "off":
		return slog.New(slog.DiscardHandler), nil
	}
	return nil, usage("use text, json or off", "there is no log format %q", f.log)
}

// newService returns the service that was asked for, and the addresses that are
// left to listen on.
func (f *serveFlags) newService(log *slog.Logger, args, command []string) (serve.Service, []string, error) {
	if f.service != "reply" && f.text != defaultText {
		return serve.Service{}, nil, usage("add --service reply", "--text is for the service reply, not %s", f.service)
	}
	if flag := f.forward.forwardGiven(); f.service != "forward" && flag != "" {
		return serve.Service{}, nil, usage("add --service forward", "%s is for the service forward, not %s", flag, f.service)
	}
	if len(command) > 0 && f.service != "exec" {
		return serve.Service{}, nil, usage("add --service exec", "a command after -- is for the service exec, not %s", f.service)
	}
	switch f.service {
	case "upper":
		return serve.Upper(), args, nil
	case "echo":
		return serve.Echo(), args, nil
	case "discard":
		return serve.Discard(), args, nil
	case "time":
		return serve.Time(), args, nil
	case "reply":
		return serve.Reply(f.text), args, nil
	case "chat":
		return serve.Chat(), args, nil
	case "exec":
		if len(command) == 0 {
			return serve.Service{}, nil, usage("write dialtone serve --service exec -- CMD ARGS", "the service exec needs a command")
		}
		if _, err := exec.LookPath(command[0]); err != nil {
			return serve.Service{}, nil, withHint(fmt.Errorf("cannot run %q: %w", command[0], errors.Unwrap(err)), "check the spelling, or write the program's whole path")
		}
		return serve.Exec(log, command[0], command[1:]...), args, nil
	case "forward":
		if len(args) == 0 {
			return serve.Service{}, nil, usage("write dialtone serve --service forward ADDR", "the service forward needs an address to relay to")
		}
		dial, err := f.forwardDialer(args[len(args)-1])
		return serve.Forward(dial), args[:len(args)-1], err
	}
	return serve.Service{}, nil, usage("use upper, echo, discard, time, reply, chat, exec or forward", "there is no service %q", f.service)
}

// loadIdentity reads or makes the certificate when an address needs one.
func (f *serveFlags) loadIdentity(doors []door, addrs []address.Address) error {
	if (f.identity.CertFile == "") != (f.identity.KeyFile == "") {
		return usage("give both, or none for a self-signed certificate", "--cert needs --key, and --key needs --cert")
	}
	all := slices.Clone(addrs)
	for _, d := range doors {
		all = append(all, d.addr)
	}
	for _, a := range all {
		if a.Secure() {
			f.identity.Hosts = append(f.identity.Hosts, a.Host)
		}
	}
	if f.identity.Hosts == nil {
		if f.identity.CertFile != "" || f.identity.ClientCAFile != "" || f.identity.ALPN != nil || f.tls12 {
			return usage("listen on tls://HOST:PORT or wss://HOST:PORT", "--cert, --client-ca, --alpn and --tls12 need an address with TLS")
		}
		return nil
	}
	f.identity.Hosts = append(f.identity.Hosts, "localhost")
	if err := f.identity.Load(); err != nil {
		return withHint(err, "--cert, --key and --client-ca take PEM files; without the first two a certificate is made")
	}
	return nil
}

// serve listens everywhere, says so, and serves until a signal ends it.
func (f *serveFlags) serve(ctx context.Context, server *serve.Server, doors []door, addrs []address.Address, stdout io.Writer) error {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	end, err := f.openSockets()
	if err != nil {
		return err
	}
	defer end()
	if f.metrics != "" {
		stop, err := f.serveMetrics(server)
		if err != nil {
			return err
		}
		defer stop()
	}
	doors, err = f.listen(ctx, doors, addrs)
	if err != nil {
		return err
	}
	for _, d := range doors {
		fmt.Fprintf(stdout, "listening %s\n", d.addr)
	}
	if f.identity.Hosts != nil && f.identity.SelfSigned() {
		fmt.Fprintf(os.Stderr, "self-signed certificate, SHA-256 fingerprint %s\n", f.identity.Fingerprint())
	}
	failed := make(chan error, len(doors))
	var loops sync.WaitGroup
	for _, d := range doors {
		loops.Go(func() {
			if err := f.open(ctx, server, d); err != nil {
				failed <- fmt.Errorf("%s: %w", d.addr, err)
			}
		})
	}
	defer loops.Wait()
	return f.wait(ctx, server, signals, failed)
}

// open runs one listener's loop.
func (f *serveFlags) open(ctx context.Context, server *serve.Server, d door) error {
	if d.packets != nil {
		return server.ServePacket(ctx, d.packets)
	}
	var wraps []serve.Wrap
	if d.addr.Secure() {
		wraps = append(wraps, f.identity.Wrap())
	}
	if d.addr.WebSocket() {
		wraps = append(wraps, serve.WebSocket(d.addr.Path))
	}
	return server.Serve(ctx, d.streams, wraps...)
}

// wait acts on signals until the server has ended.
func (f *serveFlags) wait(ctx context.Context, server *serve.Server, signals <-chan os.Signal, failed <-chan error) error {
	for {
		select {
		case err := <-failed:
			server.Close()
			return err
		case <-ctx.Done():
			server.Close()
			return ctx.Err()
		case sig := <-signals:
			if sig != syscall.SIGHUP {
				return f.stop(server, signals)
			}
			f.reload()
		}
	}
}

func (f *serveFlags) reload() {
	if f.identity.Hosts == nil || f.identity.SelfSigned() && f.identity.ClientCAFile == "" {
		return // there is no file to read again
	}
	if err := f.identity.Load(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", oneLine(err.Error()))
		fmt.Fprintln(os.Stderr, "hint: the former certificate stays in use")
		return
	}
	fmt.Fprintf(os.Stderr, "TLS files read again, certificate's SHA-256 fingerprint %s\n", f.identity.Fingerprint())
}

// stop drains the server. A second signal closes it now.
func (f *serveFlags) stop(server *serve.Server, signals <-chan os.Signal) error {
	drain, cancel := context.WithTimeout(context.Background(), f.drain)
	defer cancel()
	if n := server.Open(); n > 0 {
		fmt.Fprintf(os.Stderr, "stopping: %s open, up to %s to finish; again to close now\n", plural(n, "conversation"), f.drain)
	}
	done := make(chan int, 1)
	go func() { done <- server.Shutdown(drain) }()
	for {
		select {
		case ended := <-done:
			if ended > 0 {
				fmt.Fprintf(os.Stderr, "stopped: %s ended by the server\n", plural(ended, "conversation"))
			}
			return nil
		case sig := <-signals:
			if sig == syscall.SIGHUP {
				continue
			}
			server.Close()
			<-done
			return errInterrupted
		}
	}
}

// serveMetrics starts the metrics endpoint and returns how to end it.
func (f *serveFlags) serveMetrics(server *serve.Server) (stop func(), err error) {
	a, err := address.Parse(f.metrics)
	switch {
	case err != nil:
		return nil, err
	case !strings.HasPrefix(a.Scheme, "tcp"):
		return nil, usage("write HOST:PORT, such as 127.0.0.1:9100", "--metrics %s: metrics are served over plain HTTP only", a)
	}
	ln, err := net.Listen(a.Network(), a.Target())
	if err != nil {
		return nil, cannotListen(a, err)
	}
	server.Metrics = serve.NewMetrics()
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", server.Metrics)
	web := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	var done sync.WaitGroup
	done.Go(func() { web.Serve(ln) })
	fmt.Fprintf(os.Stderr, "metrics on http://%s/metrics\n", ln.Addr())
	return func() { web.Close(); done.Wait() }, nil
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// parseAll parses addresses, or returns the first that is wrong.
func parseAll(list []string) (addrs []address.Address, err error) {
	for _, s := range list {
		a, err := address.Parse(strings.TrimSpace(s))
		if err != nil {
			return nil, err
		}
		addrs = append(addrs, a)
	}
	return addrs, nil
}
