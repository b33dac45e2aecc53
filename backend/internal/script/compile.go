package script

import (
	"bytes"
	"errors"
	"fmt"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/parse"
)

// How the code of scripts and of libraries is called in error texts.
const (
	scriptChunk   = "user_script"
	functionChunk = "user_function"
)

// compile turns Lua source into a function prototype. The error's text begins
// with the chunk's name and line, as PUC Lua's does.
func compile(source []byte, name string) (*lua.FunctionProto, error) {
	chunk, err := parse.Parse(bytes.NewReader(source), name)
	if err != nil {
		return nil, syntaxError(err, source, name)
	}
	if err := adapt(chunk); err != nil {
		return nil, fmt.Errorf("%s:%w", name, err)
	}
	proto, err := lua.Compile(chunk, name)
	var failed *lua.CompileError
	if errors.As(err, &failed) {
		return nil, fmt.Errorf("%s:%d: %s", name, failed.Line, failed.Message)
	}
	if err != nil {
		return nil, err
	}
	// A main function has no table named arg in Lua 5.1; here it would be made, of
	// 2.6 KB, for every run.
	proto.IsVarArg &^= lua.VarArgNeedsArg
	return proto, nil
}

func syntaxError(err error, source []byte, name string) error {
	var at *parse.Error
	if !errors.As(err, &at) {
		return err
	}
	message := at.Message
	if plain, ok := plainSyntax[message]; ok {
		message = plain
	}
	if at.Pos.Line == parse.EOF {
		return fmt.Errorf("%s:%d: %s near '<eof>'", name, bytes.Count(source, []byte("\n"))+1, message)
	}
	return fmt.Errorf("%s:%d: %s near '%s'", name, at.Pos.Line, message, at.Token)
}

// plainSyntax is what PUC Lua says to mistakes that the parser knows as such.
var plainSyntax = map[string]string{
	"unterminated string":           "unfinished string",
	"unterminated multiline string": "unfinished long string",
	"illegal hexadecimal number":    "malformed number",
	"syntax error":                  "unexpected symbol",
	"Invalid token":                 "unexpected symbol",
	"invalid multiline comment":     "unfinished long comment",
	// An expression that is no call stands where a statement should.
	"parse error": "'=' expected",
}
