package transfer

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// transferBetween runs both ends and returns their words.
func transferBetween(t *testing.T, src Source, so SendOptions, dst Target, ro ReceiveOptions) (sent, got Summary, sendErr, receiveErr error) {
	t.Helper()
	a, b := newLoop(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		got, receiveErr = Receive(ctx, b, dst, ro)
	}()
	sent, sendErr = Send(ctx, a, src, so)
	<-done
	return sent, got, sendErr, receiveErr
}

func randomBytes(n int) []byte {
	p := make([]byte, n)
	r := rand.NewChaCha8([32]byte{1})
	r.Read(p)
	return p
}

func TestStreamArrivesWhole(t *testing.T) {
	const chunk = MinChunk
	for _, n := range []int{0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 10*chunk + 17} {
		for _, verify := range []Verify{VerifyHash, VerifyNone} {
			t.Run(fmt.Sprint(n, verify), func(t *testing.T) {
				p := randomBytes(n)
				var out bytes.Buffer
				sent, got, err1, err2 := transferBetween(t, Stream("s", bytes.NewReader(p)), SendOptions{Chunk: chunk, Verify: verify}, Writer(&out), ReceiveOptions{})
				if err1 != nil || err2 != nil {
					t.Fatalf("%v; %v", err1, err2)
				}
				if !bytes.Equal(out.Bytes(), p) {
					t.Errorf("%d of %d bytes, or others", out.Len(), n)
				}
				if sent.Sum != got.Sum || sent.Bytes != int64(n) || got.Bytes != int64(n) {
					t.Errorf("sent %+v\ngot %+v", sent, got)
				}
			})
		}
	}
}
