package script

import (
	"reflect"
	"unsafe"

	lua "github.com/yuin/gopher-lua"
)

// frames is where gopher-lua keeps what its interface does not show of a call
// frame. The shapes are pinned with the library's version.
var frames = struct{ current, parent, tailCalls, index, function, pc uintptr }{
	offset(reflect.TypeFor[lua.Debug](), "frame", reflect.Pointer),
	offset(frameType(), "Parent", reflect.Pointer),
	offset(frameType(), "TailCall", reflect.Int),
	offset(frameType(), "Idx", reflect.Int),
	offset(frameType(), "Fn", reflect.Pointer),
	offset(frameType(), "Pc", reflect.Int),
}

// topFrame is the call under way: its place on the stack, the instruction that is
// about to be run, and the function, which is nil where it is none of Lua.
func topFrame(l *lua.LState) (index, pc int, fn *lua.LFunction) {
	top, ok := l.GetStack(0)
	if !ok {
		return 0, 0, nil
	}
	f := *(*unsafe.Pointer)(unsafe.Add(unsafe.Pointer(top), frames.current))
	fn = *(**lua.LFunction)(unsafe.Add(f, frames.function))
	if fn.IsG {
		return 0, 0, nil
	}
	return *(*int)(unsafe.Add(f, frames.index)), *(*int)(unsafe.Add(f, frames.pc)) - 1, fn
}

func frameType() reflect.Type {
	f, _ := reflect.TypeFor[lua.Debug]().FieldByName("frame")
	return f.Type.Elem()
}

func offset(of reflect.Type, name string, kind reflect.Kind) uintptr {
	f, ok := of.FieldByName(name)
	if !ok || f.Type.Kind() != kind {
		panic("script: gopher-lua has another shape than in the version this was written for: " + name)
	}
	return f.Offset
}

// forgetTailCalls sets the tail calls that the frames under way have made to none.
// The interpreter counts them for the traces that it writes, whoever reads them,
// for every error: one line for each. A loop of tail calls that failed or was
// killed after some seconds would take gigabytes.
func (b *sandbox) forgetTailCalls() {
	for l := b.state.G.CurrentThread; l != nil; l = l.Parent {
		top, _ := l.GetStack(0)
		f := *(*unsafe.Pointer)(unsafe.Add(unsafe.Pointer(top), frames.current))
		for f != nil {
			*(*int)(unsafe.Add(f, frames.tailCalls)) = 0
			f = *(*unsafe.Pointer)(unsafe.Add(f, frames.parent))
		}
	}
}
