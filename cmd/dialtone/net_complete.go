package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// completeNet is what the shell offers for --net: the TAP devices that there are, and
// behind the address the options that are not there yet.
func completeNet(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	const more = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	head, last := typed[:strings.LastIndex(typed, ",")+1], typed[strings.LastIndex(typed, ",")+1:]
	switch strings.Count(head, ",") {
	case 0:
		return tapDevices(), more
	case 1:
		if !strings.Contains(last, "/") {
			return nil, more // nobody knows the address
		}
		head, last = typed+",", ""
	}
	if strings.Contains(last, "=") {
		head += last + ","
	}
	var offers []string
	for _, option := range []string{"gateway=", "mtu=", "kernel="} {
		if !strings.Contains(head, ","+option) {
			offers = append(offers, head+option)
		}
	}
	return offers, more
}

// iffTAP is set of a device that carries Ethernet frames, not bare packets.
const iffTAP = 2

// tapDevices are those of this machine, as --net has them; without any, one to make.
func tapDevices() []string {
	var list []string
	files, _ := filepath.Glob("/sys/class/net/*/tun_flags")
	for _, file := range files {
		text, _ := os.ReadFile(file)
		if flags, err := strconv.ParseUint(strings.TrimSpace(string(text)), 0, 32); err == nil && flags&iffTAP != 0 {
			list = append(list, "tap:"+filepath.Base(filepath.Dir(file))+",")
		}
	}
	if list == nil {
		list = []string{"tap:tap0,"}
	}
	return list
}
