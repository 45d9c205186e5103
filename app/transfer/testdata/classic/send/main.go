// send ADDR FILE: the name, wait for ok, the bytes, close.
package main

import (
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
)

func main() {
	file, err := os.Open(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	conn, err := net.Dial("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	conn.Write([]byte(filepath.Base(os.Args[2])))
	buf := make([]byte, 4096)
	n, err := conn.Read(buf)
	if string(buf[:n]) != "ok" {
		log.Fatalf("the receiver said %q: %v", buf[:n], err)
	}
	if _, err := io.Copy(conn, file); err != nil {
		log.Fatal(err)
	}
	conn.Close()
}
