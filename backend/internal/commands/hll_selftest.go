package commands

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"

	"holdfast/backend/internal/types"
)

// pfselftest adds a million elements, a tenth of a second's work, to a sparse and a
// dense HyperLogLog and checks on the way that they agree and that the error is
// within six times its standard deviation.
func pfselftest(c *Ctx) {
	const deviation = 1.04 / 128 // 1.04 / sqrt(registers)
	sparse := types.InitHLL(nil)
	dense, err := sparse.Dense()
	seed := rand.Uint64()
	for n, check := uint64(1), uint64(1); n <= 1_000_000 && err == nil; n++ {
		var element [8]byte
		binary.LittleEndian.PutUint64(element[:], n^seed)
		dense, _, _ = dense.Add(element[:], 0)
		if sparse, _, err = sparse.Add(element[:], c.Options.HLLSparseMax); err != nil || n < check {
			continue
		}
		check *= 10
		allowed := math.Ceil(deviation * 6 * float64(n))
		one, _ := dense.Count()
		other, _ := sparse.Count()
		if one != other {
			err = fmt.Errorf("TESTFAILED dense/sparse disagree")
		} else if off := math.Abs(float64(one) - float64(n)); off > allowed {
			err = fmt.Errorf("TESTFAILED Too big error. card:%d abserr:%.0f", n, off)
		}
	}
	if !c.failed(err) {
		c.OK()
	}
}
