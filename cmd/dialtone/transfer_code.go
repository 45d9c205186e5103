package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"dialtone/app/pairing"

	"golang.org/x/term"
)

// codeVariable holds the code where a command line would show it to others.
const codeVariable = "DIALTONE_CODE"

// maxCodeFile is how much of a code file is read.
const maxCodeFile = 4096

// readCodeFile returns the first line of a file.
func readCodeFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read the code: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxCodeFile))
	if err != nil {
		return "", fmt.Errorf("read the code: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if line = strings.TrimSpace(line); line == "" {
		return "", withHint(fmt.Errorf("there is no code in the first line of %s", path), "write one such as 7-copper-lantern, or any text of 8 characters or more")
	}
	return line, nil
}

// givenCode returns the code that was said: by a flag, with the address, in a
// file or in the environment.
func (f *trustFlags) givenCode(withAddress string) (code string, err error) {
	switch {
	case f.noAuth:
		return "", nil
	case f.code != "":
		code = f.code
	case f.codeFile != "":
		code, err = readCodeFile(f.codeFile)
	case withAddress != "":
		code = withAddress
	case f.ca != "":
		return "", nil
	default:
		code = strings.TrimSpace(os.Getenv(codeVariable))
	}
	if code == "" || err != nil {
		return "", err
	}
	return readCode(code)
}

// readCode returns a code in its one form, and says what it took for a slip of the
// finger.
func readCode(text string) (string, error) {
	code, note, err := pairing.ParseCode(text)
	if err != nil {
		return "", badUsage(err)
	}
	if note != "" {
		fmt.Fprintln(os.Stderr, "note ", oneLine(note))
	}
	return code, nil
}

// askCode asks a person for the code, where there is one: on the terminal, even
// when standard input is what is sent.
func askCode() (string, error) {
	in, done := keyboard()
	if in == nil {
		return "", withHint(badUsage(errNoCode), "add --code with what the other side printed, such as --code 7-copper-lantern; --no-auth does without")
	}
	defer done()
	fmt.Fprint(os.Stderr, "code (the other side shows it, such as 7-copper-lantern): ")
	line, err := bufio.NewReader(io.LimitReader(in, maxCodeFile)).ReadString('\n')
	if line = strings.TrimSpace(line); line == "" {
		if err != nil {
			fmt.Fprintln(os.Stderr)
		}
		return "", badUsage(errNoCode)
	}
	return readCode(line)
}

// keyboard returns where a person types, or nil.
func keyboard() (in io.Reader, done func()) {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return nil, nil
	}
	if term.IsTerminal(int(os.Stdin.Fd())) {
		return os.Stdin, func() {}
	}
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return nil, nil
	}
	return tty, func() { tty.Close() }
}
