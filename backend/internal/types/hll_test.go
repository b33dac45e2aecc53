package types

import (
	"bytes"
	"math/rand/v2"
	"strconv"
	"testing"
)

// hllOf adds n elements to an HLL that may stay sparse up to a size.
func hllOf(t *testing.T, n, sparseMax int) HLL {
	t.Helper()
	h := InitHLL(nil)
	for i := range n {
		var err error
		if h, _, err = h.Add([]byte("element:"+strconv.Itoa(i)), sparseMax); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func TestHLLEncodingsAgree(t *testing.T) {
	for _, n := range []int{0, 1, 10, 100, 700, 1500, 20000} {
		sparse, dense := hllOf(t, n, 1<<20), hllOf(t, n, 0)
		if !sparse.Sparse() && n < 1500 {
			t.Errorf("%d elements do not fit the sparse encoding", n)
		}
		a, errA := sparse.Registers()
		b, errB := dense.Registers()
		if errA != nil || errB != nil || a != b {
			t.Errorf("%d elements: the registers differ", n)
		}
		one, _ := sparse.Count()
		other, _ := dense.Count()
		if merged := CountRegisters(&a); one != other || one != merged {
			t.Errorf("%d elements count %d sparse, %d dense, %d merged", n, one, other, merged)
		}
		if off := float64(one) - float64(n); off > 0.05*float64(n)+1 || -off > 0.05*float64(n)+1 {
			t.Errorf("%d elements count %d", n, one)
		}
		converted, err := sparse.Dense()
		if err != nil || !bytes.Equal(converted[hllHeader:], denseOf(t, dense)[hllHeader:]) {
			t.Errorf("%d elements: converting gives other bytes, %v", n, err)
		}
	}
}

func denseOf(t *testing.T, h HLL) HLL {
	d, err := h.Dense()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestHLLRegisters(t *testing.T) {
	h := denseOf(t, InitHLL(nil))
	var want [HLLRegisters]byte
	rand := rand.New(rand.NewPCG(1, 1))
	for range 3 * HLLRegisters {
		i, v := rand.IntN(HLLRegisters), byte(rand.IntN(hllRegisterMax+1))
		h.setRegister(i, v)
		want[i] = v
	}
	for i, v := range want {
		if h.register(i) != v {
			t.Fatalf("register %d is %d, want %d", i, h.register(i), v)
		}
	}
	if got, err := h.Registers(); err != nil || got != want {
		t.Error("Registers differs from what was set")
	}
}

// A high register cannot be told in the sparse encoding, and a small limit makes
// any growth dense.
func TestHLLPromotes(t *testing.T) {
	for _, c := range []struct {
		count     byte
		sparseMax int
		sparse    bool
	}{{32, 3000, true}, {33, 3000, false}, {1, 20, true}, {1, 19, false}} {
		h, raised, err := InitHLL(nil).Raise(5, c.count, c.sparseMax)
		if err != nil || !raised || h.Sparse() != c.sparse {
			t.Errorf("count %d within %d bytes: sparse %v, %v", c.count, c.sparseMax, h.Sparse(), err)
		}
		if r, _ := h.Registers(); r[5] != c.count {
			t.Errorf("register 5 is %d, want %d", r[5], c.count)
		}
	}
}

func FuzzHLL(f *testing.F) {
	f.Add([]byte(InitHLL(nil)), []byte("a"))
	h, _, _ := InitHLL(nil).Add([]byte("x"), 3000)
	f.Add([]byte(h), []byte("b"))
	f.Add(append([]byte(InitHLL(nil)), 0x7f), []byte("c"))
	f.Fuzz(func(t *testing.T, b, element []byte) {
		if !ValidHLL(b) {
			return
		}
		h, _, err := HLL(b).Add(element, 3000)
		_, counted := h.Count()
		if err == nil && counted == nil && !ValidHLL(h) {
			t.Fatal("an HLL that counts is not valid")
		}
		h.AppendOpcodes(nil)
		_, _ = h.Dense()
	})
}
