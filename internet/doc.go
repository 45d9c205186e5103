// Package internet is the layer of packets between machines: IPv4 and IPv6, ICMP,
// IGMP and MLD. Its headers have the verbs that package link describes.
package internet
