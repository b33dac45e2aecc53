package proxy

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestQueueAgainstASlice does random things to a queue and to a plain slice.
func TestQueueAgainstASlice(t *testing.T) {
	type item struct {
		c     *client
		frame string
		sent  bool
	}
	clients := []*client{{}, {}, {}}
	var q queue
	var model []item
	steps := 20_000
	if testing.Short() {
		steps /= 10
	}
	rand := rand.New(rand.NewPCG(1, 1))
	for step := range steps {
		switch rand.IntN(6) {
		case 0, 1, 2:
			c, frame := clients[rand.IntN(3)], fmt.Sprint("frame", step)
			q.push(entry{client: c, want: 1}, []byte(frame))
			model = append(model, item{c: c, frame: frame})
		case 3:
			q.setSent(q.len())
			for i := range model {
				model[i].sent = true
			}
		case 4:
			if len(model) > 0 && model[0].sent {
				q.pop()
				model = model[1:]
			}
		case 5:
			if rand.IntN(20) == 0 {
				gone := clients[rand.IntN(3)]
				q.forget(gone)
				var rest []item
				for _, m := range model {
					switch {
					case m.c != gone:
						rest = append(rest, m)
					case m.sent:
						m.c = nil
						rest = append(rest, m)
					}
				}
				model = rest
			}
		}
		i, unsent := 0, ""
		q.each(func(e *entry, frame []byte, sent bool) {
			if m := model[i]; m.c != e.client || m.frame != string(frame) || m.sent != sent {
				t.Fatalf("step %d, entry %d: %v %q %v, want %v", step, i, e.client, frame, sent, m)
			}
			if !sent {
				unsent += string(frame)
			}
			i++
		})
		if i != len(model) || string(q.unsent()) != unsent {
			t.Fatalf("step %d: %d entries, want %d; unsent %q, want %q", step, i, len(model), q.unsent(), unsent)
		}
	}
}

// The way of a request through the queue must not allocate once it is warm.
func TestQueueDoesNotAllocate(t *testing.T) {
	var q queue
	c, frame := &client{}, []byte("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n")
	round := func() {
		for range 50 {
			q.push(entry{client: c, want: 1, kind: kindRead}, frame)
		}
		q.setSent(q.len())
		for range 50 {
			q.pop()
		}
	}
	round()
	if n := testing.AllocsPerRun(100, round); n != 0 {
		t.Errorf("%v allocations per 50 requests", n)
	}
}
