package proxy

import (
	"testing"
	"time"
)

func TestTheBucketOfARate(t *testing.T) {
	var r rate
	take := func(now uint32) time.Duration {
		wait := r.wait(100, 3, now)
		if wait == 0 {
			r.tokens--
		}
		return wait
	}
	for i := range 3 {
		if wait := take(1); wait != 0 {
			t.Fatalf("request %d of a full bucket waits %v", i+1, wait)
		}
	}
	if wait := take(1); wait != 10*time.Millisecond {
		t.Errorf("an empty bucket of 100 a second waits %v", wait)
	}
	if wait := take(6); wait != 5*time.Millisecond {
		t.Errorf("half a token waits %v for the other half", wait)
	}
	if wait := take(11); wait != 0 {
		t.Errorf("a token that has come back waits %v", wait)
	}
	for range 3 {
		if wait := take(100_000); wait != 0 {
			t.Errorf("a bucket that was left alone waits %v", wait)
		}
	}
	if take(100_000) == 0 {
		t.Error("a bucket that was left alone holds more than its burst")
	}
}

// A client past its rate is answered more slowly, in order and in full; another
// one does not notice.
func TestClientRateLimit(t *testing.T) {
	r := startRedis(t)
	_, addr := startProxy(t, "--master", r.addr, "--client-rate-limit", "100", "--client-rate-burst", "5")
	fast := connect(t, addr)
	began := time.Now()
	const requests = 30
	for range requests {
		fast.Send("INCR", "n")
	}
	for i := range requests {
		if got, want := fast.receive(), itoa(i+1); got != want {
			t.Fatalf("reply %d is %s", i+1, got)
		}
	}
	if took, least := time.Since(began), 240*time.Millisecond; took < least {
		t.Errorf("%d requests at 100 a second and a burst of 5 took %v, not %v", requests, took, least)
	}
	connect(t, addr).want("PONG", "PING")
}
