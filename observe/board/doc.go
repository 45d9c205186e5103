// Package board serves the page of dialtone watch: the sockets of this machine, live, and
// the eleven states of TCP with a dot for each end of a connection, in a browser.
package board
