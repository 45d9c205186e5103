package ladder

import (
	"bytes"
	"encoding/xml"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dialtone/transport/tcp"
)

var update = flag.Bool("update-pictures", false, "write the golden pictures anew")

func drawn(t *testing.T, talk *Talk) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteSVG(&b, talk); err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(bytes.NewReader(b.Bytes())); ; {
		if _, err := d.Token(); err == io.EOF {
			return b.String()
		} else if err != nil {
			t.Fatalf("not XML: %v", err)
		}
	}
}

func TestPictures(t *testing.T) {
	for name, s := range map[string]*sketch{"upper": upperTalk(1), "bulk": bulkTalk(2, 130), "drama": dramaTalk(3), "datagrams": datagramTalk(4)} {
		got, file := drawn(t, &s.Talk), filepath.Join("testdata", name+".svg")
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s has changed (go test -update-pictures if that is right):\n%s", file, diff)
		}
	}
}

func TestPictureHoldsHostileText(t *testing.T) {
	got := drawn(t, &hostileTalk(1).Talk)
	for _, bad := range []string{"<script", "\x00", "\x1b"} {
		if strings.Contains(got, bad) {
			t.Errorf("the picture contains %q", bad)
		}
	}
}

func TestPictureHasALimit(t *testing.T) {
	s := newSketch(1, "192.0.2.1:1", "192.0.2.2:2")
	s.open()
	for range 3 * MaxPictureRows { // nothing that could be folded
		s.send(0, ms, tcp.URG|tcp.ACK, "x")
	}
	s.Left = 5
	got := drawn(t, &s.Talk)
	if n := strings.Count(got, `class="row`); n != MaxPictureRows {
		t.Errorf("%d rows, want %d", n, MaxPictureRows)
	}
	if want := "2,008 more rows not drawn"; !strings.Contains(got, want) {
		t.Errorf("the picture does not say %q", want)
	}
}
