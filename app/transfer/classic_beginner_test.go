package transfer

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// What beginners write who know package net and the two sentences.

// A beginner's sender: it returns what it tells its user. size is used by classic3.
type beginnerSends func(conn net.Conn, name string, content io.Reader, size int64) error

// A beginner's receiver.
type beginnerReceives func(conn net.Conn, save io.Writer) (name string, err error)

// beginnerHears reads once and compares, as everybody does first.
func beginnerHears(conn net.Conn, want string) error {
	buf := make([]byte, 4096)
	n, err := conn.Read(buf)
	if got := string(buf[:n]); got != want {
		return fmt.Errorf("the answer is %q, not %q (%v)", got, want, err)
	}
	return nil
}

func sendPlain(conn net.Conn, name string, content io.Reader, _ int64) error {
	conn.Write([]byte(name))
	if err := beginnerHears(conn, "ok"); err != nil {
		return err
	}
	if _, err := io.Copy(conn, content); err != nil {
		return err
	}
	return conn.Close()
}

// sendFprintf ends its name with a line feed, and trims what it reads.
func sendFprintf(conn net.Conn, name string, content io.Reader, _ int64) error {
	fmt.Fprintf(conn, "%s\r\n", name)
	buf := make([]byte, 1024)
	n, _ := conn.Read(buf)
	if strings.TrimSpace(string(buf[:n])) != "ok" {
		return errors.New("not ok")
	}
	for { // as in Python: recv(1024) until nothing comes
		n, err := content.Read(buf)
		if _, err := conn.Write(buf[:n]); err != nil {
			return err
		}
		if err != nil {
			return conn.Close()
		}
	}
}

// sendLines reads whole lines, and waits for them.
func sendLines(conn net.Conn, name string, content io.Reader, _ int64) error {
	fmt.Fprintln(conn, name)
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if strings.TrimSpace(answer) != "ok" {
		return fmt.Errorf("%q, %v", answer, err)
	}
	io.Copy(conn, content)
	return conn.Close()
}

// sendBytes writes its name and reads its answer byte by byte.
func sendBytes(conn net.Conn, name string, content io.Reader, _ int64) error {
	for i := range len(name) {
		conn.Write([]byte{name[i]})
		time.Sleep(100 * time.Millisecond)
	}
	buf := make([]byte, 1)
	for _, want := range "ok" {
		if conn.Read(buf); buf[0] != byte(want) {
			return errors.New("not ok")
		}
	}
	io.Copy(conn, content)
	return conn.Close()
}

// sendPadded sends its name as C programs do: the whole array.
func sendPadded(conn net.Conn, name string, content io.Reader, _ int64) error {
	buf := make([]byte, 256)
	copy(buf, name)
	conn.Write(buf)
	if err := beginnerHears(conn, "ok"); err != nil {
		return err
	}
	io.Copy(conn, content)
	return conn.Close()
}

// sendEager does not wait, as printf 'name\n…' | nc.
func sendEager(conn net.Conn, name string, content io.Reader, _ int64) error {
	fmt.Fprintln(conn, name)
	io.Copy(conn, content)
	conn.(interface{ CloseWrite() error }).CloseWrite()
	io.Copy(io.Discard, conn)
	return conn.Close()
}

func send3Plain(conn net.Conn, name string, content io.Reader, size int64) error {
	defer conn.Close()
	conn.Write([]byte(name))
	if err := beginnerHears(conn, "OK"); err != nil {
		return err
	}
	conn.Write([]byte(strconv.FormatInt(size, 10)))
	if err := beginnerHears(conn, "OK"); err != nil {
		return err
	}
	if _, err := io.Copy(conn, content); err != nil {
		return err
	}
	return beginnerHears(conn, "OK")
}

// send3AnyCase does not mind capitals.
func send3AnyCase(conn net.Conn, name string, content io.Reader, size int64) error {
	defer conn.Close()
	buf := make([]byte, 1024)
	heard := func() bool {
		n, _ := conn.Read(buf)
		return strings.ToUpper(string(buf[:n])) == "OK"
	}
	fmt.Fprint(conn, name)
	if !heard() {
		return errors.New("name not OK")
	}
	fmt.Fprint(conn, size)
	if !heard() {
		return errors.New("size not OK")
	}
	io.Copy(conn, content)
	if !heard() {
		return errors.New("content not OK")
	}
	return nil
}

// send3Lines writes and reads lines, in any case.
func send3Lines(conn net.Conn, name string, content io.Reader, size int64) error {
	defer conn.Close()
	r := bufio.NewReader(conn)
	heard := func() error {
		line, err := r.ReadString('\n')
		if !strings.EqualFold(strings.TrimSpace(line), "ok") || err != nil {
			return fmt.Errorf("%q, %v", line, err)
		}
		return nil
	}
	fmt.Fprintln(conn, name)
	if err := heard(); err != nil {
		return err
	}
	fmt.Fprintln(conn, size)
	if err := heard(); err != nil {
		return err
	}
	io.Copy(conn, content)
	return heard()
}

// send3Leaves does not wait for the last OK.
func send3Leaves(conn net.Conn, name string, content io.Reader, size int64) error {
	fmt.Fprint(conn, name)
	if err := beginnerHears(conn, "OK"); err != nil {
		return err
	}
	fmt.Fprint(conn, size)
	if err := beginnerHears(conn, "OK"); err != nil {
		return err
	}
	io.Copy(conn, content)
	return conn.Close()
}

// answering returns a classic receiver that says ok in its own words.
func answering(ok string) beginnerReceives {
	return func(conn net.Conn, save io.Writer) (string, error) {
		defer conn.Close()
		buf := make([]byte, 4096)
		n, err := conn.Read(buf)
		if err != nil {
			return "", err
		}
		name := string(buf[:n])
		conn.Write([]byte(ok))
		for {
			n, err := conn.Read(buf)
			save.Write(buf[:n])
			if err == io.EOF {
				return name, nil
			}
			if err != nil {
				return name, err
			}
		}
	}
}

// receiveBytes reads the name byte by byte until nothing comes, and answers so.
func receiveBytes(conn net.Conn, save io.Writer) (string, error) {
	defer conn.Close()
	name, b := "", make([]byte, 1)
	for {
		conn.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := conn.Read(b); errors.Is(err, os.ErrDeadlineExceeded) {
			break
		} else if err != nil {
			return "", err
		}
		name += string(b)
	}
	conn.SetReadDeadline(time.Time{})
	conn.Write([]byte("o"))
	time.Sleep(time.Second)
	conn.Write([]byte("k"))
	_, err := io.Copy(save, conn)
	return name, err
}

// receiveStays forgets to close.
func receiveStays(conn net.Conn, save io.Writer) (string, error) {
	buf := make([]byte, 1024)
	n, _ := conn.Read(buf)
	fmt.Fprintln(conn, "Ok")
	_, err := io.Copy(save, conn)
	return string(buf[:n]), err
}

// answering3 returns a classic3 receiver that says OK in its own words.
func answering3(ok string) beginnerReceives {
	return func(conn net.Conn, save io.Writer) (string, error) {
		defer conn.Close()
		buf := make([]byte, 4096)
		n, _ := conn.Read(buf)
		name := string(buf[:n])
		conn.Write([]byte(ok))
		n, _ = conn.Read(buf)
		size, err := strconv.Atoi(string(buf[:n]))
		if err != nil {
			return name, err
		}
		conn.Write([]byte(ok))
		for got := 0; got < size; got += n {
			if n, err = conn.Read(buf); err != nil {
				return name, err
			}
			save.Write(buf[:n])
		}
		conn.Write([]byte(ok))
		return name, nil
	}
}
