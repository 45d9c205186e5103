// Package tcp is the Transmission Control Protocol (RFC 9293): segments, their
// options and sequence numbers, and the states of a connection. Its headers have
// the verbs that package link describes.
package tcp
