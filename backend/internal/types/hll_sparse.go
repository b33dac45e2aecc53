package types

import (
	"slices"
	"strconv"
)

// The opcodes of a sparse HLL, each for a run of registers with one value:
//
//	00nnnnnn            n+1 registers are 0
//	01nnnnnn nnnnnnnn   n+1 registers are 0
//	1vvvvvnn            n+1 registers are v+1
const (
	hllLongZeroes  = 0x40
	hllValue       = 0x80
	hllZeroesMax   = 64 // of the short form
	hllValueMax    = 32
	hllValueRunMax = 4
)

// hllRun is an opcode: size bytes for n registers of this value.
type hllRun struct {
	size, n int
	value   byte
}

// run decodes the opcode at p; its size is 0 when there is none, or half of one.
func (h HLL) run(p int) hllRun {
	switch {
	case p >= len(h):
		return hllRun{}
	case h[p]&hllValue != 0:
		return hllRun{1, int(h[p]&3) + 1, h[p]>>2&31 + 1}
	case h[p]&hllLongZeroes == 0:
		return hllRun{1, int(h[p]) + 1, 0}
	case p+1 >= len(h):
		return hllRun{}
	}
	return hllRun{2, int(h[p]&63)<<8 + int(h[p+1]) + 1, 0}
}

// eachRun visits the runs of a sparse HLL, which must cover the registers.
func (h HLL) eachRun(visit func(first, n int, value byte)) error {
	first := 0
	for p := hllHeader; p < len(h); {
		r := h.run(p)
		if r.size == 0 || first+r.n > HLLRegisters {
			return ErrCorruptHLL
		}
		visit(first, r.n, r.value)
		first += r.n
		p += r.size
	}
	if first != HLLRegisters {
		return ErrCorruptHLL
	}
	return nil
}

// AppendOpcodes appends the runs of a sparse HLL in the words of PFDEBUG DECODE.
func (h HLL) AppendOpcodes(b []byte) []byte {
	from := len(b)
	for p := hllHeader; p < len(h); {
		r := h.run(p)
		if r.size == 0 {
			break
		}
		if len(b) > from {
			b = append(b, ' ')
		}
		switch {
		case r.value > 0:
			b = strconv.AppendInt(append(b, "v:"...), int64(r.value), 10)
			b = append(b, ',')
		case r.size == 1:
			b = append(b, "z:"...)
		default:
			b = append(b, "Z:"...)
		}
		b = strconv.AppendInt(b, int64(r.n), 10)
		p += r.size
	}
	return b
}

func appendZeroes(b []byte, n int) []byte {
	switch {
	case n == 0:
		return b
	case n <= hllZeroesMax:
		return append(b, byte(n-1))
	}
	return append(b, hllLongZeroes|byte((n-1)>>8), byte(n-1))
}

func appendValues(b []byte, value byte, n int) []byte {
	if n == 0 {
		return b
	}
	return append(b, hllValue|(value-1)<<2|byte(n-1))
}

// raiseSparse is Raise for a sparse HLL. Which opcodes result is Redis's choice,
// whose bytes they must be: a run is split around the register, and what can be
// joined with its neighbours is joined.
func (h HLL) raiseSparse(index int, count byte, sparseMax int) (HLL, bool, error) {
	p, before, first, ok := h.findRun(index)
	if !ok {
		return h, false, ErrCorruptHLL
	}
	old := h.run(p)
	if old.value >= count {
		return h, false, nil
	}
	if count > hllValueMax {
		return h.raiseDense(index, count)
	}
	var buf [5]byte
	split := old.split(buf[:0], index-first, count)
	grows := len(split) - old.size
	if grows > 0 && len(h)+grows > sparseMax {
		return h.raiseDense(index, count)
	}
	h = slices.Replace(h, p, p+old.size, split...)
	h = h.join(before)
	h.Outdate()
	return h, true, nil
}

// findRun finds the opcode of a register: where it stands, where the one before it
// does, or itself if there is none, and the first register it stands for.
func (h HLL) findRun(index int) (p, before, first int, ok bool) {
	p, before = hllHeader, hllHeader
	for {
		r := h.run(p)
		if r.size == 0 || first > index {
			return 0, 0, 0, false
		}
		if index < first+r.n {
			return p, before, first, true
		}
		before = p
		p += r.size
		first += r.n
	}
}

// split appends the opcodes of a run whose register i has changed to count.
func (r hllRun) split(b []byte, i int, count byte) []byte {
	if r.value > 0 {
		b = appendValues(b, r.value, i)
		b = appendValues(b, count, 1)
		return appendValues(b, r.value, r.n-i-1)
	}
	b = appendZeroes(b, i)
	b = appendValues(b, count, 1)
	return appendZeroes(b, r.n-i-1)
}

// join makes one of neighbouring opcodes for the same value, looking at five steps
// from p on: a change does not reach further.
func (h HLL) join(p int) HLL {
	for steps := 5; steps > 0 && p < len(h); steps-- {
		a, b := h.run(p), h.run(p+1)
		if a.value > 0 && a.value == b.value && a.n+b.n <= hllValueRunMax {
			appendValues(h[:p], a.value, a.n+b.n)
			h = slices.Delete(h, p+1, p+2)
			continue
		}
		p += max(a.size, 1)
	}
	return h
}

func (h HLL) raiseDense(index int, count byte) (HLL, bool, error) {
	dense, err := h.Dense()
	if err != nil {
		return h, false, err
	}
	dense.setRegister(index, count)
	return dense, true, nil
}
