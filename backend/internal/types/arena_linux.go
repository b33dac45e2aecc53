package types

import (
	"fmt"
	"syscall"
	"unsafe"
)

const (
	maxReserve = 64 << 30 // what a Ref can reach
	minReserve = 64 << 20
)

// reserve claims addresses for the arena and its span table. A limit on the
// address space (ulimit -v) can refuse the full range; then half is tried.
func (a *Arena) reserve() error {
	var err error
	for size := maxReserve; size >= minReserve; size /= 2 {
		if err = a.reserveSize(size); err == nil {
			return nil
		}
	}
	return fmt.Errorf("types: cannot reserve %d MiB of addresses, raise ulimit -v: %w", minReserve>>20, err)
}

func (a *Arena) reserveSize(size int) error {
	const flags = syscall.MAP_ANON | syscall.MAP_PRIVATE | syscall.MAP_NORESERVE
	mem, err := syscall.Mmap(-1, 0, size, syscall.PROT_NONE, flags)
	if err != nil {
		return err
	}
	pages := size >> pageShift
	books := pages * int(unsafe.Sizeof(span{}))
	meta, err := syscall.Mmap(-1, 0, books, syscall.PROT_READ|syscall.PROT_WRITE, flags)
	if err != nil {
		_ = syscall.Munmap(mem)
		return err
	}
	// Huge pages would let the kernel fill in, behind our back, what was given
	// back to it: the resident size must follow the data.
	_ = syscall.Madvise(mem, syscall.MADV_NOHUGEPAGE)
	_ = syscall.Madvise(meta, syscall.MADV_NOHUGEPAGE)
	a.mem, a.meta, a.limit = mem, meta, uint32(pages)
	a.base = unsafe.Pointer(unsafe.SliceData(mem))
	a.spans = unsafe.Slice((*span)(unsafe.Pointer(unsafe.SliceData(meta))), pages)
	return nil
}

func (a *Arena) unreserve() {
	_ = syscall.Munmap(a.mem)
	_ = syscall.Munmap(a.meta)
}

// commit makes pages [from, to) usable.
func (a *Arena) commit(from, to uint32) error {
	return syscall.Mprotect(a.pageBytes(from, to-from), syscall.PROT_READ|syscall.PROT_WRITE)
}

// release gives the memory behind a run back; it reads as zeroes afterwards.
func (a *Arena) release(p, n uint32) {
	b := a.pageBytes(p, n)
	if syscall.Madvise(b, syscall.MADV_DONTNEED) != nil {
		clear(b) // locked memory cannot be returned, but it must read as zeroes
	}
}

func (a *Arena) pageBytes(p, n uint32) []byte {
	return a.mem[uint64(p)<<pageShift : uint64(p+n)<<pageShift]
}
