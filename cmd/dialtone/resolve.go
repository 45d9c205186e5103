package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"dialtone/app/address"
	"dialtone/observe/routes"
	"dialtone/observe/sockets"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

type resolveFlags struct {
	network   string
	timeout   time.Duration
	neighbors bool
	json      bool
}

func newResolveCommand() *cobra.Command {
	var flags resolveFlags
	cmd := &cobra.Command{
		Use:   "resolve NAME[:PORT] [flags]",
		Short: "Show what an address means: IP addresses, port, way, owner",
		Long: `Show what an address means: each IP address with its network part and its host
part, the port with its service and the process that owns it on this machine,
the next hop, and the MAC address of the next hop when it is on the local link.

NAME is a name or an IP address, with or without a port; a scheme may stand
before it, as in udp://[::1]:53. Nothing is sent but the question to the name
server.`,
		Example: `  dialtone resolve localhost:8000
  dialtone resolve udp://127.0.0.1:53
  dialtone resolve ::1 --json
  dialtone resolve --neighbors`,
		Args: func(cmd *cobra.Command, args []string) error {
			if flags.neighbors && len(args) == 0 {
				return nil
			}
			return exactArgs(1, "one address, such as localhost:8000")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error { return runResolve(cmd, args, flags) },
	}
	flagGroup(cmd, "What to look up", func(fs *pflag.FlagSet) {
		fs.StringVar(&flags.network, "network", "", "the `NETWORK`, instead of a scheme before NAME: "+strings.Join(ipSchemes(), ", "))
		fs.DurationVar(&flags.timeout, "timeout", 5*time.Second, "give up looking up the name after this `TIME`; 0 waits without end")
		fs.BoolVar(&flags.neighbors, "neighbors", false, "list the neighbour table: who is on the same links, with MAC address; needs no NAME")
	})
	flagGroup(cmd, "Output", func(fs *pflag.FlagSet) {
		fs.BoolVar(&flags.json, "json", false, "one JSON object instead of text")
	})
	_ = cmd.RegisterFlagCompletionFunc("network", cobra.FixedCompletions(ipSchemes(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// resolved is what there is to show.
type resolved struct {
	asked      string          // what was typed, or empty for the neighbour table alone
	target     address.Address // what it was read as
	hasPort    bool
	service    string           // the port's name, or empty
	sockets    []sockets.Socket // on this machine, with the port
	socketsErr error
	addrs      []resolvedAddr    // in the order in which they are tried
	neighbors  []routes.Neighbor // the whole table, if it was asked for
	listing    bool              // the table was asked for
}

// resolvedAddr is one of the addresses.
type resolvedAddr struct {
	ip       netip.Addr
	route    routes.Route
	routeErr error
	neighbor *routes.Neighbor // the next hop's entry, or nil
}

func runResolve(cmd *cobra.Command, args []string, flags resolveFlags) error {
	if flags.timeout < 0 {
		return usage("write a time such as 5s, or 0 to wait without end", "--timeout %s is negative", flags.timeout)
	}
	table, tableErr := routes.Neighbors() // an address can do without it
	if flags.neighbors && tableErr != nil {
		return tableErr
	}
	r := resolved{neighbors: table, listing: flags.neighbors}
	if len(args) == 1 {
		if err := r.resolve(cmd.Context(), args[0], flags); err != nil {
			return err
		}
	}
	if flags.json {
		return writeJSON(cmd.OutOrStdout(), r.toJSON())
	}
	_, err := io.WriteString(cmd.OutOrStdout(), resolveText(r, resolveColour()))
	return err
}

// resolve fills in everything about text.
func (r *resolved) resolve(ctx context.Context, text string, flags resolveFlags) (err error) {
	r.asked = text
	if r.target, r.hasPort, err = parseTarget(text, flags.network); err != nil {
		return err
	}
	if flags.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, flags.timeout)
		defer cancel()
	}
	ips, err := lookupHost(ctx, r.target)
	if err != nil {
		return err
	}
	for _, ip := range dialOrder(r.target, ips) {
		r.addrs = append(r.addrs, wayTo(ip, r.neighbors))
	}
	if r.hasPort {
		network := strings.TrimRight(r.target.Network(), "46")
		r.service = serviceName(r.target.Port, network)
		r.sockets, r.socketsErr = sockets.Owners(network, r.target.Port)
	}
	return nil
}

// ipSchemes are the schemes whose addresses have an IP address.
func ipSchemes() []string {
	return slices.DeleteFunc(address.Schemes(), func(s string) bool { return s == "unix" })
}

// parseTarget is address.Parse for an address that may lack its port, and an
// IPv6 address that may then lack its brackets.
func parseTarget(text, network string) (a address.Address, hasPort bool, err error) {
	scheme, rest, hasScheme := strings.Cut(text, "://")
	switch {
	case network != "" && !slices.Contains(ipSchemes(), network):
		return a, false, usage("use one of "+strings.Join(ipSchemes(), ", "), "unknown network %q", network)
	case strings.HasPrefix(text, "unix:") || scheme == "unix" && hasScheme:
		return a, false, usage("", "address %q: a unix socket is a file, it has no IP address and no port", text)
	case !hasScheme:
		scheme, rest = cmp.Or(network, "tcp"), text
	case network != "" && network != scheme:
		return a, false, usage("leave one of them out", "--network %s contradicts the address %q", network, text)
	}
	if ip, err := netip.ParseAddr(rest); err == nil && ip.Is6() {
		rest = "[" + rest + "]"
	}
	hasPort = scheme == "ws" || scheme == "wss" || strings.Contains(rest[strings.LastIndexByte(rest, ']')+1:], ":")
	if !hasPort && rest != "" {
		rest += ":0"
	}
	if rest != "" { // Parse has the words for nothing at all
		rest = scheme + "://" + rest
	}
	a, err = address.Parse(rest)
	var wrong *address.Error
	if errors.As(err, &wrong) {
		wrong.Text = text
	}
	return a, hasPort, err
}

// lookupHost returns the addresses of a's host that fit its network.
func lookupHost(ctx context.Context, a address.Address) ([]netip.Addr, error) {
	if a.Host == "" { // every address of this machine, or any of them
		return fitting(a, []netip.Addr{netip.IPv6Unspecified(), netip.IPv4Unspecified()}), nil
	}
	if ip, err := netip.ParseAddr(a.Host); err == nil {
		return []netip.Addr{ip.Unmap()}, nil
	}
	all, err := net.DefaultResolver.LookupNetIP(ctx, "ip", a.Host)
	if err != nil {
		return nil, err
	}
	for i, ip := range all {
		all[i] = ip.Unmap()
	}
	if fit := fitting(a, all); len(fit) > 0 {
		return fit, nil
	}
	return nil, withHint(fmt.Errorf("%s has no address for %s: only %v", a.Host, a.Scheme, all),
		"leave the 4 or 6 out of the network's name")
}

// fitting returns those of ips that a's scheme allows.
func fitting(a address.Address, ips []netip.Addr) (fit []netip.Addr) {
	for _, ip := range ips {
		switch {
		case strings.HasSuffix(a.Scheme, "4") && !ip.Is4(), strings.HasSuffix(a.Scheme, "6") && ip.Is4():
		case !slices.Contains(fit, ip):
			fit = append(fit, ip)
		}
	}
	return fit
}

// dialOrder sorts ips as dialing tries them: as the resolver ordered them, but
// over TCP the family of the first comes first and the other one joins in late
// (Happy Eyeballs, RFC 8305).
func dialOrder(a address.Address, ips []netip.Addr) []netip.Addr {
	if a.Datagram() || len(ips) == 0 {
		return ips
	}
	var first, late []netip.Addr
	for _, ip := range ips {
		if ip.Is4() == ips[0].Is4() {
			first = append(first, ip)
		} else {
			late = append(late, ip)
		}
	}
	return append(first, late...)
}

// wayTo asks for the route to ip and finds its next hop among the neighbours.
func wayTo(ip netip.Addr, table []routes.Neighbor) resolvedAddr {
	a := resolvedAddr{ip: ip}
	if ip.Is6() && ip.IsLinkLocalUnicast() && ip.Zone() == "" { // the kernel would guess, and refuse to dial
		a.routeErr = errors.New("no zone says on which link")
		return a
	}
	a.route, a.routeErr = routes.To(reached(ip))
	hop := a.route.NextHop
	if !hop.IsValid() {
		hop = ip
	}
	for i, n := range table {
		if n.Interface == a.route.Interface.Name && n.Addr.WithZone("") == hop.WithZone("") && !n.Proxy {
			a.neighbor = &table[i]
		}
	}
	return a
}

// reached returns the address that dialing ip reaches: the loopback address of
// its family for the unspecified one.
func reached(ip netip.Addr) netip.Addr {
	switch {
	case ip == netip.IPv4Unspecified():
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	case ip == netip.IPv6Unspecified():
		return netip.IPv6Loopback()
	}
	return ip
}
