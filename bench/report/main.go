package report

import (
	"context"
	"errors"
	"flag"
	"log"
	"os"
	"os/signal"
	"syscall"
)

// Main is a benchmark's main: it calls run with what stands behind the program's name,
// ends its context at Ctrl-C, and logs its error under name, with exit code 1. To have
// asked for help (flag.ErrHelp) is no error.
func Main(name string, run func(ctx context.Context, args []string) error) {
	log.SetFlags(0)
	log.SetPrefix(name + ": ")
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		log.Fatal(err)
	}
}
