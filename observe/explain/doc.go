// Package explain says in words what the figures and the states of a socket mean: why a
// connection goes from one state to another (RFC 9293 §3.3.2), and each figure with its
// unit and what it is. Screens and pages show the same words.
package explain
