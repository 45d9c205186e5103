package main

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// serviceName returns the name that a port has in this machine's list of
// services, or else in a short list of our own; empty if in neither. Package net
// looks up ports by name only.
func serviceName(port uint16, network string) string {
	if f, err := os.Open(servicesFile()); err == nil {
		defer f.Close()
		if name := findService(io.LimitReader(f, 4<<20), port, network); name != "" {
			return name
		}
	}
	return findService(strings.NewReader(commonServices), port, network)
}

func servicesFile() string {
	if runtime.GOOS == "windows" {
		return filepath.Join(os.Getenv("SystemRoot"), "system32", "drivers", "etc", "services")
	}
	return "/etc/services"
}

// findService reads lines as services(5) has them, "name port/protocol
// aliases # comment", and returns the first name of the port.
func findService(list io.Reader, port uint16, network string) string {
	want := strconv.Itoa(int(port)) + "/" + network
	for lines := bufio.NewScanner(list); lines.Scan(); {
		line, _, _ := strings.Cut(lines.Text(), "#")
		if f := strings.Fields(line); len(f) >= 2 && f[1] == want {
			return f[0]
		}
	}
	return ""
}

// commonServices is for machines that have no list (IANA's registry).
const commonServices = `
ftp 21/tcp
ssh 22/tcp
telnet 23/tcp
smtp 25/tcp
domain 53/tcp
domain 53/udp
bootps 67/udp
http 80/tcp
http 80/udp
pop3 110/tcp
ntp 123/udp
imap 143/tcp
snmp 161/udp
ldap 389/tcp
https 443/tcp
https 443/udp
submission 587/tcp
ldaps 636/tcp
imaps 993/tcp
mysql 3306/tcp
postgresql 5432/tcp
mdns 5353/udp
redis 6379/tcp
http-alt 8080/tcp
`
