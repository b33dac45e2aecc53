package types

import "encoding/binary"

// nodeListpack returns the listpack of a node, with the capacity of what is behind
// it in the block.
func (sp *Space) nodeListpack(n *qnode) Listpack { return listpackIn(sp.block(n.ref)[n.gap:]) }

// spliceNode is splice for a node of a list. At the head it moves the header
// instead of all elements.
func (sp *Space) spliceNode(n *qnode, p, old int, e *element, delta int) {
	block, lp := sp.block(n.ref), sp.nodeListpack(n)
	if within(e.str, block) {
		e = &element{e.head, e.headLen, sp.detach(e.str, block)}
	}
	grows := e.size() - old
	size := len(lp) + grows
	keeps := size >= len(block)/2 || grows > 0 // the block, rather than give memory back
	switch {
	case p == lpHeaderSize && keeps:
		sp.spliceHead(n, old, e, delta)
	case size <= cap(lp) && keeps:
		lp.splice(p, old, e, delta)
	default:
		sp.closeGap(n)
		sp.splice(&n.ref, p, old, e, delta)
	}
}

// spliceHead replaces the old bytes behind the header by e, towards the gap.
func (sp *Space) spliceHead(n *qnode, old int, e *element, delta int) {
	grows := e.size() - old
	if grows > int(n.gap) {
		sp.widenGap(n, grows)
	}
	lp := sp.nodeListpack(n)
	count, end := binary.LittleEndian.Uint16(lp[4:]), int(n.gap)+len(lp)
	n.gap = uint32(int(n.gap) - grows)
	lp = Listpack(sp.block(n.ref)[n.gap:end])
	if e.size() > 0 {
		e.write(lp[lpHeaderSize:])
	}
	lp.setHeader(count, delta)
}

// widenGap makes the gap of a node at least need bytes long. It takes half of what
// the block has left, so that the elements move seldom, whichever end grows.
func (sp *Space) widenGap(n *qnode, need int) {
	lp := sp.nodeListpack(n)
	if room := len(sp.block(n.ref)) - len(lp); room < need {
		sp.closeGap(n)
		sp.resize(&n.ref, len(lp), len(lp)+need)
	}
	block := sp.block(n.ref)
	gap := max((len(block)-len(lp))/2, need)
	copy(block[gap:], block[n.gap:int(n.gap)+len(lp)])
	n.gap = uint32(gap)
}

// closeGap moves the listpack of a node to the beginning of its block, where all
// other edits want it.
func (sp *Space) closeGap(n *qnode) {
	if n.gap > 0 {
		block := sp.block(n.ref)
		copy(block, listpackIn(block[n.gap:]))
		n.gap = 0
	}
}
