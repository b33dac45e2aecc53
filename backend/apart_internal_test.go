package backend

import "testing"

// A script with large arguments does not hold on to them until the next one.
func TestScriptsLetGoOfLargeArguments(t *testing.T) {
	var a apart
	for _, size := range []int{100, 1 << 20} {
		a.args.keep([][]byte{[]byte("eval"), make([]byte, size)})
		a.x.Args = a.args.list
		a.forget()
		if held := cap(a.args.bytes); held > 64<<10 || len(a.x.Args) > 0 && held == 0 {
			t.Errorf("%d bytes are held of %d", held, size)
		}
	}
}
