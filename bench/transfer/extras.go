//go:build linux

package main

import (
	"context"
	"fmt"
	"time"

	"dialtone/bench/report"
)

// extras are dialtone's targets that no peer has a figure for.
func (p plan) extras(ctx context.Context) string {
	lines := [][]string{{"target", "reached"}}
	for _, extra := range []struct {
		text string
		run  func(context.Context) ([]string, error)
	}{
		{"first byte of a tree of " + report.Thousands(p.many) + " files on the wire ≤ 200 ms", p.firstByte},
		{"that tree whole, ≤ 64 MiB of memory at each end", p.millionFiles},
		{"resume of a file cut at 90 %: at most one chunk (1 MiB) sent again", p.resume},
	} {
		text := extra.text
		if ctx.Err() != nil {
			break
		}
		results, err := extra.run(ctx)
		if err != nil {
			results = []string{"failed: " + firstLine(err.Error())}
		}
		for _, r := range results {
			lines = append(lines, []string{text, r})
			text = ""
		}
	}
	return "### Beyond speed\n\n" + report.Grid(lines) + "\n"
}

// millions is the tree of many files.
func (p plan) millions() *load { return &load{name: "many", files: p.many, empty: true} }

// prepare makes a job on loopback, to be finished by the caller.
func (p plan) prepare(ctx context.Context, l *load) (*job, *ends, error) {
	if err := p.yard.make(l); err != nil {
		return nil, nil, err
	}
	if err := p.yard.clear(); err != nil {
		return nil, nil, err
	}
	e := loopback()
	return &job{ctx: ctx, yard: p.yard, load: l, from: e.from, to: e.to}, e, nil
}

// firstByte measures from the start of the command.
func (p plan) firstByte(ctx context.Context) ([]string, error) {
	var firsts, starts []sample
	for range max(1, p.rounds) {
		first, start, err := p.firstByteOnce(ctx)
		if err != nil {
			return nil, err
		}
		firsts, starts = append(firsts, sample{seconds: first.Seconds()}), append(starts, sample{seconds: start.Seconds()})
	}
	verdict := report.AtMost(1e3*median(starts).seconds, 200, "ms until 16 KiB were sent")
	return []string{fmt.Sprintf("%s; the first byte after %s ms", verdict, report.Digits(1e3*median(firsts).seconds))}, nil
}

func (p plan) firstByteOnce(ctx context.Context) (first, start time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	j, e, err := p.prepare(ctx, p.millions())
	if err != nil {
		return 0, 0, err
	}
	defer e.close()
	defer j.finish()
	if _, err := j.dialtoneReceive(); err != nil {
		return 0, 0, err
	}
	line, err := startProxy(e, at(j.to, portDialtone), 0)
	if err != nil {
		return 0, 0, err
	}
	defer line.close()
	sender, err := j.launch(j.from, "dialtone", j.sendArgs(line.addr())...)
	if err != nil {
		return 0, 0, err
	}
	for line.moment(1) == 0 {
		select {
		case <-sender.done:
			if line.moment(1) == 0 {
				return 0, 0, fmt.Errorf("the sender ended first: %w", sender.wait())
			}
		case <-time.After(time.Millisecond):
		}
	}
	return line.moment(0), line.moment(1), nil
}

// millionFiles sends the tree to its end.
func (p plan) millionFiles(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	j, e, err := p.prepare(ctx, p.millions())
	if err != nil {
		return nil, err
	}
	defer e.close()
	err = dialtone("", "").run(j)
	from, to := j.finish()
	if err != nil {
		return nil, err
	}
	verdict := report.AtMost(float64(max(from.rss, to.rss))/(1<<20), memoryLimit>>20, "MiB")
	return []string{fmt.Sprintf("%s; %s files/s", verdict, report.Digits(float64(p.many)/j.took.Seconds()))}, nil
}

// resume cuts the line after 90 % of the file, runs the same again, and counts
// what the sender read and sent. In plain mode, so that bytes on the wire are
// those of the protocol.
func (p plan) resume(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	l := &load{name: "file", files: 1, bytes: p.scale.file}
	j, e, err := p.prepare(ctx, l)
	if err != nil {
		return nil, err
	}
	defer e.close()
	before, _, err := p.leg(j, e, l.bytes/10*9)
	if err != nil {
		return nil, fmt.Errorf("first attempt: %w", err)
	}
	j = &job{ctx: ctx, yard: p.yard, load: l, from: e.from, to: e.to}
	after, read, err := p.leg(j, e, 0)
	if err != nil {
		return nil, fmt.Errorf("second attempt: %w", err)
	}
	if err := p.yard.verify(l); err != nil {
		return nil, err
	}
	const mib, chunk, around = 1 << 20, 1 << 20, 256 << 10 // around: headers and the greeting
	again := float64(before + after - l.bytes)
	if again < 0 {
		return nil, fmt.Errorf("%d and %d bytes crossed, fewer than the file has: they cannot be compressed, so the count is wrong", before, after)
	}
	sent := report.AtMost(max(again, 1)/mib, float64(chunk+around)/mib, "MiB sent again, with all headers")
	reread := report.AtMost(max(float64(read-after), 1)/mib, float64(around)/mib, "MiB read beyond what was sent")
	return []string{sent, reread}, nil
}

// leg runs one attempt through a proxy that cuts the line after some bytes, and
// says how many passed and what the sender read.
func (p plan) leg(j *job, e *ends, cutAt int64) (passed, read int64, err error) {
	receiver, err := j.dialtoneReceive("--plain")
	if err != nil {
		j.finish()
		return 0, 0, err
	}
	line, err := startProxy(e, at(j.to, portDialtone), cutAt)
	if err != nil {
		j.finish()
		return 0, 0, err
	}
	err = j.dialtoneSend(line.addr(), "--plain", "--streams", "1")
	if err == nil {
		err = receiver.wait()
	} else if other := receiver.failure(); other != nil {
		err = fmt.Errorf("%w; %w", err, other)
	}
	select {
	case <-line.cut: // a failure is what was to be
		err = nil
	default:
	}
	line.close()
	from, _ := j.finish()
	return line.sent.Load(), from.read, err
}
