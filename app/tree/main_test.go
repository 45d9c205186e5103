package tree_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "-killed-receiver" {
		killedReceiver()
		return
	}
	goleak.VerifyTestMain(m)
}
