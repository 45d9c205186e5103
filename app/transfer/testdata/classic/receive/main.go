// receive ADDR: waits there for one file and saves it until the stream ends.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"os"
)

func main() {
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr())
	conn, err := listener.Accept()
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	buf := make([]byte, 4096)
	n, err := conn.Read(buf)
	if err != nil {
		log.Fatal(err)
	}
	file, err := os.Create(string(buf[:n])) // believes the sender
	if err != nil {
		log.Fatal(err)
	}
	conn.Write([]byte("ok"))
	if _, err := io.Copy(file, conn); err != nil {
		log.Fatal(err)
	}
}
