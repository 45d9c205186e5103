package transfer

import (
	"sync"

	"github.com/klauspost/compress/zstd"
)

// Compression is zstd's fastest level: more would make the processor the limit
// on paths that are not very slow. Data that does not shrink passes through the
// encoder at several GB/s, so that trying each frame is cheap.

// compressor packs the bodies of one stream.
type compressor struct {
	enc *zstd.Encoder
	out []byte
}

// pack compresses body[room:] and returns it behind as much room, when that
// saves a sixteenth or more.
func (c *compressor) pack(body []byte, room int) ([]byte, bool) {
	if c.enc == nil {
		enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest),
			zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false), zstd.WithWindowSize(1<<20))
		if err != nil {
			return nil, false
		}
		c.enc = enc
	}
	raw := len(body) - room
	if cap(c.out) < room+raw {
		c.out = make([]byte, room, room+raw+raw/16+1024)
	}
	c.out = c.enc.EncodeAll(body[room:], c.out[:room])
	return c.out, len(c.out)-room <= raw-raw/16
}

// decoders unpack bodies. A body says before how long it is; what is longer is
// not unpacked.
type decoders struct{ pool sync.Pool }

// unpack returns body unpacked into out, whose capacity it must not exceed.
func (d *decoders) unpack(body, out []byte) ([]byte, error) {
	dec, _ := d.pool.Get().(*zstd.Decoder)
	if dec == nil {
		var err error
		dec, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxMemory(MaxChunk+1), zstd.WithDecoderMaxWindow(8<<20), zstd.WithDecodeAllCapLimit(true))
		if err != nil {
			return nil, err
		}
	}
	defer d.pool.Put(dec)
	got, err := dec.DecodeAll(body, out[:0])
	if err != nil {
		return nil, broken("compressed content that cannot be unpacked: %v", err)
	}
	return got, nil
}
