package commands

import (
	"fmt"
	"strings"
	"testing"
)

// steps runs lines of "request => reply | propagated as | events" and compares; "="
// stands for the request itself.
func (r *rig) steps(text string) {
	r.t.Helper()
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		request, rest, _ := strings.Cut(strings.TrimSpace(line), " => ")
		want := strings.Split(rest+" ", "|")
		for i := range want {
			want[i] = strings.TrimSpace(want[i])
		}
		got := []string{r.line(request), r.propagated(), strings.Join(r.events, ", ")}
		if len(want) > 1 && want[1] == "=" {
			want[1] = request
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			r.t.Errorf("%s\n got %q\nwant %q", request, got, want)
		}
	}
}

func TestStreamEffectsAndEvents(t *testing.T) {
	r := newRig(t)
	now, claim := "1700000000000", "TIME 1700000000000 RETRYCOUNT 1 FORCE JUSTID LASTID"
	r.steps(strings.NewReplacer("NOW", now, "@", claim).Replace(`
		XADD s * f v => NOW-0 | XADD s NOW-0 f v | xadd s
		XADD s * f v => NOW-1 | XADD s NOW-1 f v | xadd s
		XADD s 1800000000000-* f v => 1800000000000-0 | XADD s 1800000000000-0 f v | xadd s
		XADD s 1800000000000-7 f v => 1800000000000-7 | = | xadd s
		XADD s MAXLEN 2 * f v => 1800000000000-8 | XADD s MAXLEN 2 1800000000000-8 f v | xadd s, xtrim s
		XADD s MAXLEN ~ 2 1800000000000-9 f v => 1800000000000-9 | XADD s MAXLEN = 3 1800000000000-9 f v | xadd s
		XADD none NOMKSTREAM * f v => nil | |
		XTRIM s MAXLEN ~ 1 => :0 | |
		XTRIM s MAXLEN 2 => :1 | = | xtrim s
		XDEL s 1-1 1800000000000-8 => :1 | = | xdel s
		XGROUP CREATE s g $ => OK | = | xgroup-create s
		XGROUP CREATE s g 0 => -BUSYGROUP Consumer Group name already exists | |
		XGROUP SETID s g 0 => OK | = | xgroup-setid s
		XGROUP CREATECONSUMER s g c => :1 | = | xgroup-createconsumer s
		XGROUP CREATECONSUMER s g c => :0 | |
		XREADGROUP GROUP g c STREAMS s > => [[s [[1800000000000-9 [f v]]]]] | XCLAIM s g c 0 1800000000000-9 @ 1800000000000-9 |
		XREADGROUP GROUP g c STREAMS s > => nil-array | |
		XREADGROUP GROUP g c STREAMS s 0 => [[s [[1800000000000-9 [f v]]]]] | |
		XREADGROUP GROUP g d NOACK STREAMS s > => nil-array | XGROUP CREATECONSUMER s g d | xgroup-createconsumer s
		XGROUP SETID s g 0 => OK | = | xgroup-setid s
		XREADGROUP GROUP g d NOACK STREAMS s > => [[s [[1800000000000-9 [f v]]]]] | XGROUP SETID s g 1800000000000-9 ENTRIESREAD 6 |
		XCLAIM s g e 0 1800000000000-9 RETRYCOUNT 1 JUSTID => [1800000000000-9] | XCLAIM s g e 0 1800000000000-9 @ 1800000000000-9 | xgroup-createconsumer s
		XACK s g 1-1 1800000000000-9 => :1 | = |
		XACK s g 1-1 => :0 | |
		XGROUP DELCONSUMER s g e => :0 | = | xgroup-delconsumer s
		XGROUP DELCONSUMER s g e => :0 | |
		XSETID s 1900000000000-0 => OK | = | xsetid s
		XGROUP DESTROY s g => :1 | = | xgroup-destroy s
		XGROUP DESTROY s g => :0 | |
		XGROUP CREATE new g $ MKSTREAM => OK | = | xgroup-create new
		XLEN new => :0 | |
		TYPE new => stream | |
		OBJECT ENCODING new => stream | |
	`))
}

// Where a client may wait, "$" stands for the end of the stream at that moment.
func TestStreamWaits(t *testing.T) {
	r := newRig(t)
	r.CanWait = true
	r.script(`
		XADD s 5-1 f v => 5-1
		XREAD BLOCK 0 STREAMS s none $ $ => waits
	`)
	if got := joined(r.Args); got != "XREAD BLOCK 0 STREAMS s none 5-1 0-0" {
		t.Errorf("the request became %q", got)
	}
	if w := r.Waiting(); joined(w.Keys) != "s none" || w.Until != 0 || w.OrGone {
		t.Errorf("it waits for %+v", w)
	}
	r.script(`
		XGROUP CREATE s g $ => OK
		XREADGROUP GROUP g c BLOCK 100 STREAMS s > => waits
	`)
	if w := r.Waiting(); w.Until != r.Now+100 || !w.OrGone {
		t.Errorf("it waits for %+v", w)
	}
	r.script(`
		XREAD BLOCK -1 STREAMS s 0 => -ERR timeout is negative
		XREAD BLOCK x STREAMS s 0 => -ERR timeout is not an integer or out of range
		XREAD BLOCK 9223372036854775807 STREAMS s 0 => -ERR timeout is out of range
		XREAD BLOCK 0 STREAMS s 0 => [[s [[5-1 [f v]]]]]
	`)
	limits := r.Store.Space().Limits
	limits.StreamNodeMaxEntries = 10
	r.Store.SetLimits(limits)
	for i := range 1200 {
		r.do("XADD", "long", fmt.Sprint(i+1, "-0"), "f", "v")
	}
	r.script(`
		XTRIM long MAXLEN ~ 0 LIMIT 15 => :10
		XTRIM long MAXLEN ~ 0 => :1000
	`)
	r.Replaying = true // what was decided is done without a limit
	r.script(`
		XTRIM long MAXLEN ~ 0 LIMIT 5 => :190
	`)
}
