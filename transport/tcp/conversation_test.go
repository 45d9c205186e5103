package tcp_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"dialtone/transport/conversation"
)

var (
	long = flag.Bool("long", false, "play conversations of more than 4 s on Linux too")
	only = flag.String("only", "", "play only conversations whose name has this in it")
)

// scripts are all conversations of testdata.
func scripts(t *testing.T) (all []*conversation.Script) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations in testdata: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		some, err := conversation.Parse(file, string(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range some {
			if strings.Contains(s.Name, *only) {
				all = append(all, s)
			}
		}
	}
	return all
}

// TestConversations plays every conversation with our machine.
func TestConversations(t *testing.T) {
	for _, s := range scripts(t) {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			if why, ok := s.NotOn[conversation.Ours]; ok {
				t.Skip(why)
			}
			if err := s.Play(conversation.NewMachine(s)); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestConversationsOnLinux plays them with the kernel, our reference. Real time runs
// meanwhile, so that many are played at once; and as a busy machine may be late, one
// that fails is played again.
func TestConversationsOnLinux(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("network namespaces and TUN devices need root")
	}
	defer conversation.Punctual()()
	all := scripts(t)
	results := make([]chan error, len(all))
	var alone sync.Mutex
	slots := make(chan struct{}, 16)
	for i, s := range all {
		if why := notOnLinux(s); why == "" {
			results[i] = make(chan error, 1)
			go func() {
				slots <- struct{}{}
				results[i] <- playOnLinux(s, &alone)
				<-slots
			}()
		}
	}
	for i, s := range all {
		t.Run(s.Name, func(t *testing.T) {
			if why := notOnLinux(s); why != "" {
				t.Skip(why)
			}
			if err := <-results[i]; err != nil {
				t.Error(err)
			}
		})
	}
}

// notOnLinux says why a conversation is not played with the kernel; "" when it is.
func notOnLinux(s *conversation.Script) string {
	if d := s.Lasts(); d > 4*time.Second && !*long {
		return fmt.Sprintf("takes %v: see -long", d)
	}
	return s.NotOn[conversation.Linux]
}

// playOnLinux plays a conversation with the kernel, again when it fails: then while no
// other one does so, as alone is what makes a busy machine punctual.
func playOnLinux(s *conversation.Script, alone *sync.Mutex) error {
	err := playOnce(s)
	if err == nil {
		return nil
	}
	alone.Lock()
	defer alone.Unlock()
	for range 4 {
		if err = playOnce(s); err == nil {
			break
		}
	}
	return err
}

func playOnce(s *conversation.Script) error {
	kernel, err := conversation.NewKernel(s)
	if err != nil {
		return err
	}
	return s.Play(kernel)
}
