// Package tap is a link to the Linux kernel: a TAP device.
package tap
