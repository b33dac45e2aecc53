package types

// A dense HLL has its registers behind one another, each beginning with its
// lowest bit in the lowest bit that is free.

// register returns register i of a dense HLL.
func (h HLL) register(i int) byte {
	at, shift := hllHeader+i*hllRegisterBits/8, i*hllRegisterBits%8
	v := h[at] >> shift
	if shift > 8-hllRegisterBits {
		v |= h[at+1] << (8 - shift)
	}
	return v & hllRegisterMax
}

// setRegister sets register i of a dense HLL.
func (h HLL) setRegister(i int, v byte) {
	at, shift := hllHeader+i*hllRegisterBits/8, i*hllRegisterBits%8
	h[at] = h[at]&^(hllRegisterMax<<shift) | v<<shift
	if shift > 8-hllRegisterBits {
		h[at+1] = h[at+1]&^(hllRegisterMax>>(8-shift)) | v>>(8-shift)
	}
}

// eachGroup visits the registers of a dense HLL, four at a time, which are three
// bytes.
func (h HLL) eachGroup(visit func(first int, a, b, c, d byte)) {
	at := 0
	for r := h[hllHeader:]; len(r) >= 3; r = r[3:] {
		visit(at, r[0]&63, (r[0]>>6|r[1]<<2)&63, (r[1]>>4|r[2]<<4)&63, r[2]>>2)
		at += 4
	}
}

// Dense returns the HLL in the dense encoding, with its cached cardinality: a
// new one if it was sparse.
func (h HLL) Dense() (HLL, error) {
	if !h.Sparse() {
		return h, nil
	}
	dense := make(HLL, hllDenseSize)
	copy(dense, h[:hllHeader])
	dense[hllEncodingAt] = hllDense
	err := h.eachRun(func(first, n int, value byte) {
		for i := first; i < first+n && value > 0; i++ {
			dense.setRegister(i, value)
		}
	})
	return dense, err
}

// Registers returns the value of every register.
func (h HLL) Registers() (r [HLLRegisters]byte, err error) {
	err = h.Merge(&r)
	return r, err
}

// Merge raises every register of into to what it is in h.
func (h HLL) Merge(into *[HLLRegisters]byte) error {
	if h.Sparse() {
		return h.eachRun(func(first, n int, value byte) {
			for i := first; i < first+n && value > 0; i++ {
				into[i] = max(into[i], value)
			}
		})
	}
	h.eachGroup(func(i int, a, b, c, d byte) {
		r := into[i : i+4 : i+4]
		r[0], r[1], r[2], r[3] = max(r[0], a), max(r[1], b), max(r[2], c), max(r[3], d)
	})
	return nil
}
