package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"dialtone/observe/routes"
	"dialtone/observe/sockets"
)

// The --json form of resolve. Fields are added, never renamed or removed.
type (
	resolveJSON struct {
		Asked     string         `json:"asked,omitempty"`
		Host      string         `json:"host,omitempty"`
		Network   string         `json:"network,omitempty"`
		Port      *portJSON      `json:"port,omitempty"`
		Addresses []addressJSON  `json:"addresses,omitempty"`
		Neighbors []neighborJSON `json:"neighbors,omitzero"`
	}
	portJSON struct {
		Number  uint16       `json:"number"`
		Service string       `json:"service,omitempty"`
		Owners  []socketJSON `json:"owners"`
		Error   string       `json:"error,omitempty"`
	}
	socketJSON struct {
		Local     netip.AddrPort  `json:"local"`
		Remote    *netip.AddrPort `json:"remote,omitempty"`
		State     sockets.State   `json:"state"`
		IPv6Only  bool            `json:"ipv6_only"`
		UID       uint32          `json:"uid"`
		User      string          `json:"user,omitempty"`
		Processes []processJSON   `json:"processes"`
		Hidden    bool            `json:"processes_hidden"`
	}
	processJSON struct {
		PID  int    `json:"pid"`
		Name string `json:"name"`
	}
	addressJSON struct {
		Address  netip.Addr `json:"address"`
		Full     string     `json:"full"`
		Binary   string     `json:"binary"`
		Zone     string     `json:"zone,omitempty"`
		Kind     string     `json:"kind"`
		RFC      string     `json:"rfc,omitempty"`
		Local    bool       `json:"local"`
		Answered *bool      `json:"answered,omitempty"` // for a port of this machine
		Route    *routeJSON `json:"route,omitempty"`
		Error    string     `json:"error,omitempty"` // why there is no route
	}
	routeJSON struct {
		Kind        routes.Kind  `json:"kind"`
		Interface   string       `json:"interface"`
		Source      netip.Prefix `json:"source"`
		SourceOn    string       `json:"source_interface"`
		NetworkBits int          `json:"network_bits"`
		NextHop     *netip.Addr  `json:"next_hop,omitempty"` // a router; none when on the link
		MAC         string       `json:"mac,omitempty"`
		State       routes.State `json:"neighbor_state,omitempty"`
	}
	neighborJSON struct {
		Address   netip.Addr   `json:"address"`
		MAC       string       `json:"mac,omitempty"`
		Interface string       `json:"interface"`
		State     routes.State `json:"state"`
		Router    bool         `json:"router"`
		Proxy     bool         `json:"proxy"`
	}
)

// writeJSON writes j so that no name in it can reach a terminal raw: encoding/json
// escapes the ASCII control characters, this also the other ones.
func writeJSON(w io.Writer, j resolveJSON) error {
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	if err := out.Encode(j); err != nil {
		return err
	}
	var safe []byte
	for _, r := range b.String() {
		if r == '\n' || unicode.IsPrint(r) {
			safe = utf8.AppendRune(safe, r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			safe = fmt.Appendf(safe, `\u%04x`, unit)
		}
	}
	_, err := w.Write(safe)
	return err
}

func (r resolved) toJSON() resolveJSON {
	j := resolveJSON{Asked: r.asked, Host: r.target.Host, Network: r.target.Scheme}
	if r.hasPort {
		j.Port = &portJSON{Number: r.target.Port, Service: r.service, Owners: []socketJSON{}}
		for _, s := range r.sockets {
			j.Port.Owners = append(j.Port.Owners, socketToJSON(s))
		}
		if r.socketsErr != nil {
			j.Port.Error = r.socketsErr.Error()
		}
	}
	for _, a := range r.addrs {
		j.Addresses = append(j.Addresses, r.addressToJSON(a))
	}
	if r.listing {
		j.Neighbors = []neighborJSON{}
		for _, n := range r.neighbors {
			j.Neighbors = append(j.Neighbors, neighborJSON{n.Addr, n.HardwareAddr.String(), n.Interface, n.State, n.Router, n.Proxy})
		}
	}
	return j
}

func socketToJSON(s sockets.Socket) socketJSON {
	j := socketJSON{
		Local: s.Local, State: s.State, IPv6Only: s.IPv6Only,
		UID: s.UID, User: userName(s.UID), Processes: []processJSON{}, Hidden: s.Hidden,
	}
	if s.Remote.IsValid() {
		j.Remote = &s.Remote
	}
	for _, p := range s.Processes {
		j.Processes = append(j.Processes, processJSON{p.PID, p.Name})
	}
	return j
}

func (r resolved) addressToJSON(a resolvedAddr) addressJSON {
	kind := kindOfAddress(a.ip)
	j := addressJSON{
		Address: a.ip, Full: a.ip.StringExpanded(), Binary: splitDigits(a.ip, 1, -1), Zone: a.ip.Zone(),
		Kind: kind.name, RFC: kind.rfc, Local: a.local(),
	}
	if a.routeErr != nil {
		j.Error = a.routeErr.Error()
		return j
	}
	j.Route = &routeJSON{
		Kind: a.route.Kind, Interface: a.route.Interface.Name,
		Source: a.route.Source, SourceOn: a.route.Holder, NetworkBits: a.networkBits(),
	}
	if a.route.NextHop.IsValid() {
		j.Route.NextHop = &a.route.NextHop
	}
	mac, state := a.mac()
	j.Route.MAC, j.Route.State = mac.String(), state
	if j.Local && r.hasPort && r.socketsErr == nil {
		answered := len(r.takers(a.ip)) > 0
		j.Answered = &answered
	}
	return j
}
