// receive3 ADDR: waits there for one file, its name, its size, its bytes.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strconv"
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
	read := func() string {
		buf := make([]byte, 4096)
		n, err := conn.Read(buf)
		if err != nil {
			log.Fatal(err)
		}
		conn.Write([]byte("OK"))
		return string(buf[:n])
	}
	file, err := os.Create(read()) // believes the sender
	if err != nil {
		log.Fatal(err)
	}
	size, err := strconv.ParseInt(read(), 10, 64)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := io.CopyN(file, conn, size); err != nil {
		log.Fatal(err)
	}
	conn.Write([]byte("OK"))
}
