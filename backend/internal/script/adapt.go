package script

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
)

// maxNesting bounds how deeply syntax may nest. The compiler recurses with it,
// and a Go stack that overflows ends the process.
const maxNesting = 4000

var errNesting = errors.New("1: chunk has too many syntax levels")

// adapt makes of a parsed chunk what it means in Lua 5.1. It refuses goto and
// labels, and puts calls in the place of .., in which the interpreter prints
// numbers as Go does, 1e+15 as 1000000000000000. The error's text begins with its
// line.
func adapt(chunk []ast.Stmt) error { return adaptNode(reflect.ValueOf(chunk), maxNesting) }

// adaptNode walks the tree by reflection: the syntax has two dozen node types, of
// which few matter here.
func adaptNode(v reflect.Value, left int) error {
	switch v.Kind() {
	case reflect.Interface:
		if chain, ok := v.Interface().(*ast.StringConcatOpExpr); ok {
			v.Set(reflect.ValueOf(concatCall(chain)))
		}
		if err := refused(v.Interface()); err != nil {
			return err
		}
		return adaptNode(v.Elem(), left)
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return adaptNode(v.Elem(), left)
	case reflect.Struct:
		if left == 0 {
			return errNesting
		}
		for i := range v.NumField() {
			if err := adaptNode(v.Field(i), left-1); err != nil {
				return err
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			if err := adaptNode(v.Index(i), left); err != nil {
				return err
			}
		}
	}
	return nil
}

// refused says what is wrong with a statement that Lua 5.1 has not.
func refused(node any) error {
	switch node := node.(type) {
	case *ast.GotoStmt:
		return fmt.Errorf("%d: '=' expected near '%s'", node.Line(), node.Label)
	case *ast.LabelStmt:
		return fmt.Errorf("%d: unexpected symbol near ':'", node.Line())
	}
	return nil
}

// concatenator is a text that, called as a function, concatenates what it is given:
// __call of texts knows it, and no script can take that away, as it could a global.
const concatenator = "\x00..\x00"

// concatCall is a chain of .. as such a call.
func concatCall(chain *ast.StringConcatOpExpr) ast.Expr {
	name := &ast.StringExpr{Value: concatenator}
	call := &ast.FuncCallExpr{Func: name}
	var rest ast.Expr = chain
	for more := true; more; {
		if chain, more = rest.(*ast.StringConcatOpExpr); more {
			call.Args, rest = append(call.Args, chain.Lhs), chain.Rhs
		}
	}
	switch last := rest.(type) { // of which one value counts
	case *ast.FuncCallExpr:
		last.AdjustRet = true
	case *ast.Comma3Expr:
		last.AdjustRet = true
	}
	call.Args = append(call.Args, rest)
	for _, node := range []ast.PositionHolder{name, call} {
		node.SetLine(call.Args[0].Line())
		node.SetLastLine(rest.LastLine())
	}
	return call
}

// callText is __call of texts.
func (b *sandbox) callText(l *lua.LState) int {
	if l.Get(1) != lua.LString(concatenator) {
		return badCall(l)
	}
	if whole, ok := printedAll(l); ok {
		l.Push(lua.LString(whole))
		return 1
	}
	right := l.Get(-1)
	for i := l.GetTop() - 1; i > 1; i-- {
		right = b.concat(l, l.Get(i), right)
	}
	l.Push(right)
	return 1
}

// printedAll joins all arguments but the first, where texts and numbers are all
// that is there.
func printedAll(l *lua.LState) (string, bool) {
	var whole strings.Builder
	for i := 2; i <= l.GetTop(); i++ {
		v := l.Get(i)
		if !lua.LVCanConvToString(v) {
			return "", false
		}
		whole.WriteString(printed(v))
	}
	return whole.String(), true
}

// concat is one .. of Lua.
func (b *sandbox) concat(l *lua.LState, left, right lua.LValue) lua.LValue {
	if lua.LVCanConvToString(left) && lua.LVCanConvToString(right) {
		return lua.LString(printed(left) + printed(right))
	}
	f := l.GetMetaField(left, "__concat")
	if f == lua.LNil {
		f = l.GetMetaField(right, "__concat")
	}
	if f == lua.LNil {
		wrong := left
		if lua.LVCanConvToString(left) {
			wrong = right
		}
		l.RaiseError("attempt to concatenate a %s value", wrong.Type())
	}
	b.nest(l)
	defer b.unnest()
	l.Push(f)
	l.Push(left)
	l.Push(right)
	l.Call(2, 1)
	result := l.Get(-1)
	l.Pop(1)
	return result
}

// printed is a text or a number as Lua prints it.
func printed(v lua.LValue) string {
	if n, ok := v.(lua.LNumber); ok {
		return string(appendG(nil, float64(n), 14))
	}
	return lua.LVAsString(v)
}
