package capture_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"dialtone/observe/capture"
	"dialtone/observe/filter"
)

// Web traffic on every interface, until Ctrl-C.
func ExampleOpenLive() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	expr, err := filter.Parse("tcp port (80 or 443)")
	if err != nil {
		fmt.Println(err)
		return
	}
	live, err := capture.OpenLive(ctx, capture.LiveConfig{Filter: expr.Kernel})
	if err != nil {
		fmt.Println(err) // says how to get the right to capture
		return
	}
	defer live.Close()
	for {
		record, err := live.Next()
		if errors.Is(err, io.EOF) {
			fmt.Println(live.Stats())
			return
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(record.Number, record.Wire)
	}
}
