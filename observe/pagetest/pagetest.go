// Package pagetest looks at pages as a person does, for tests: in a real browser, without
// a screen, by clicking and typing.
package pagetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Pictures, where it is set, names a folder for pictures of what the tests see.
const Pictures = "DIALTONE_SCREENSHOTS"

// patience is how long anything may take on a machine that has much else to do.
const patience = 5 * time.Minute

// Browser is one browser, for all tests of a package.
type Browser struct{ ctx context.Context }

// Start starts a browser for as long as t lasts, or skips t where there is none. It knows no
// host but 127.0.0.1.
func Start(t *testing.T) *Browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium here, which .ci/prepare installs: the page is not looked at")
	}
	home := home(t)
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox, // which needs a user that is not root, and user namespaces; the pages are our own
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
		chromedp.UserDataDir(filepath.Join(home, "profile")),
		chromedp.Env("HOME="+home, "TMPDIR="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home),
		chromedp.WSURLReadTimeout(patience),
	)
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, _ := chromedp.NewContext(allocator)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("%s does not start: %v", path, err)
	}
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("closing the browser: %v", err)
		}
	})
	return &Browser{ctx}
}

// home is a folder for all that the browser writes. It goes once the last of the browser's
// processes has: some live a little longer than the first one.
func home(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "dialtone-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := os.RemoveAll(dir)
		for end := time.Now().Add(patience); err != nil && time.Now().Before(end); err = os.RemoveAll(dir) {
			time.Sleep(50 * time.Millisecond)
		}
		if err != nil {
			t.Error(err)
		}
	})
	return dir
}

// Tab is one page, with cookies of its own. It fails its test for any word that the page
// has for the console.
type Tab struct {
	*testing.T
	ctx     context.Context
	allowed []string
}

// Tab opens an empty page for as long as t lasts.
func (b *Browser) Tab(t *testing.T) *Tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	var reader sync.WaitGroup
	var said []string
	console := chromedp.Console(ctx)
	reader.Go(func() {
		for m, err := range console {
			if err != nil {
				return
			}
			said = append(said, fmt.Sprintf("%s: %s", m.Type, m.Text))
		}
	})
	limited, stop := context.WithTimeout(ctx, patience)
	tab := &Tab{T: t, ctx: limited}
	t.Cleanup(func() {
		stop()
		cancel()
		reader.Wait()
		for _, line := range said {
			if !slices.ContainsFunc(tab.allowed, func(part string) bool { return strings.Contains(line, part) }) {
				t.Errorf("console: %s", line)
			}
		}
	})
	return tab
}

// Context is what chromedp wants to know which page it is.
func (b *Tab) Context() context.Context { return b.ctx }

// Allow lets the console say what has part in it.
func (b *Tab) Allow(part string) { b.allowed = append(b.allowed, part) }

// Do does what a person would.
func (b *Tab) Do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.Fatal(err)
	}
}

// Open goes to an address in a window of a size. The page is left before what the test
// set up before Open is taken down.
func (b *Tab) Open(url string, width, height int64) {
	b.Helper()
	b.Cleanup(func() { _ = chromedp.Do(b.ctx, chromedp.Navigate("about:blank")) })
	b.Do(chromedp.EmulateViewport(width, height), chromedp.Navigate(url))
}

// Eval returns what an expression in the page is, or comes to if it is a promise.
func Eval[T any](b *Tab, expression string) T {
	b.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatalf("%s: %v", expression, err)
	}
	return v
}

// Text is what an element says.
func (b *Tab) Text(selector string) string {
	b.Helper()
	return Eval[string](b, fmt.Sprintf("document.querySelector(%q).textContent", selector))
}

// Wait waits until an expression is true.
func (b *Tab) Wait(expression string) {
	b.Helper()
	for {
		_, err := chromedp.Run(b.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(patience)))
		switch {
		case err == nil:
			return
		case b.ctx.Err() == nil && (strings.Contains(err.Error(), "navigated") || strings.Contains(err.Error(), "Cannot find context")): // the page went on to another by itself
			continue
		}
		b.Fatalf("never: %s: %v", expression, err)
	}
}

// Want fails the test if an expression is not true.
func (b *Tab) Want(expression, what string) {
	b.Helper()
	if !Eval[bool](b, expression) {
		b.Errorf("not so: %s (%s)", what, expression)
	}
}

// Click clicks at a place in an element, in parts of its size.
func (b *Tab) Click(selector string, x, y float64) {
	b.Helper()
	box := Eval[[]float64](b, fmt.Sprintf("(r => [r.x, r.y, r.width, r.height])(document.querySelector(%q).getBoundingClientRect())", selector))
	b.Do(chromedp.MouseClickXY(box[0]+box[2]*x, box[1]+box[3]*y))
}

// Prefer sets a wish of the reader, such as prefers-color-scheme: dark.
func (b *Tab) Prefer(feature, value string) {
	b.Helper()
	b.Do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: feature, Value: value}},
		})
		return err
	}))
}

// Shoot keeps a picture of the window for a person to look at, where Pictures says so.
func (b *Tab) Shoot(name string) {
	b.Helper()
	folder := os.Getenv(Pictures)
	if folder == "" {
		return
	}
	b.Do(chromedp.Evaluate[chromedp.Void]("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))", chromedp.EvalAwaitPromise))
	picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o644); err != nil {
		b.Fatal(err)
	}
}
