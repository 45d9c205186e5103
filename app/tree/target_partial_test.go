package tree

import (
	"os"
	"path/filepath"
	"testing"
)

// hasty is a folder in which something happens right after a file was opened.
type hasty struct {
	handle
	after func()
}

func (h *hasty) open(name string) (*os.File, error) {
	f, err := h.handle.open(name)
	if after := h.after; err == nil && after != nil {
		h.after = nil
		after()
	}
	return f, err
}

// TestAPartialThatGotItsNameMeanwhileIsNotTaken: between opening and locking a
// partial, whoever had it may finish it. It is a file then, not a partial.
func TestAPartialThatGotItsNameMeanwhileIsNotTaken(t *testing.T) {
	for name, open := range map[string]func(string) (handle, error){
		"default": openHandle, "root": openRootHandle, "and another begins": openHandle,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			h, err := open(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer h.close()
			part, final := filepath.Join(dir, hiddenName("f", 1, "part")), filepath.Join(dir, "f")
			if err := os.WriteFile(part, []byte("done"), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := claimPartial(&hasty{h, func() {
				if err := os.Rename(part, final); err != nil {
					t.Error(err)
				}
				if name == "and another begins" {
					if err := os.WriteFile(part, nil, 0o600); err != nil {
						t.Error(err)
					}
				}
			}}, "f", 1, true)
			if err != nil {
				t.Fatal(err)
			}
			defer got.f.Close()
			if _, err := got.f.WriteString("other"); err != nil {
				t.Error(err)
			}
			if b, _ := os.ReadFile(final); string(b) != "done" {
				t.Errorf("the finished file is now %q", b)
			}
		})
	}
}

// TestWhatIsNotAPartialIsLeftAlone: a link, a folder or a file with a further
// name, put where the partial goes.
func TestWhatIsNotAPartialIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	h, err := openHandle(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer h.close()
	precious := filepath.Join(dir, "precious")
	if err := os.WriteFile(precious, []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	for i, put := range []func(name string) error{
		func(name string) error { return os.Symlink("precious", name) },
		func(name string) error { return os.Link(precious, name) },
		func(name string) error { return os.Mkdir(name, 0o755) },
	} {
		if err := put(filepath.Join(dir, hiddenName("f", i+1, "part"))); err != nil {
			t.Fatal(err)
		}
	}
	in := &Incoming{t: &Target{space: newSpace(-1)}, e: Entry{Path: "f", Kind: File}, name: "f"}
	in.f = &folder{t: in.t, h: h}
	part, err := in.makePartial()
	if err != nil {
		t.Fatal(err)
	}
	defer part.f.Close()
	if part.number != 4 {
		t.Errorf("partial number %d is taken, want 4", part.number)
	}
	if b, _ := os.ReadFile(precious); string(b) != "precious" {
		t.Errorf("the file is now %q", b)
	}
}
