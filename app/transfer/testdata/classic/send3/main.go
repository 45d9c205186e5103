// send3 ADDR FILE: the name, OK, the size, OK, the bytes, OK.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
)

func main() {
	content, err := os.ReadFile(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	conn, err := net.Dial("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	send := func(what string) {
		io.WriteString(conn, what)
		buf := make([]byte, 4096)
		n, err := conn.Read(buf)
		if string(buf[:n]) != "OK" {
			log.Fatalf("the receiver said %q: %v", buf[:n], err)
		}
	}
	send(filepath.Base(os.Args[2]))
	send(fmt.Sprint(len(content)))
	send(string(content))
}
