package rdb

import (
	"bytes"
	"errors"
)

// AppendFunctions appends what FUNCTION DUMP replies: the code of libraries as
// in a snapshot, and the foot of a DUMP payload.
func AppendFunctions(out []byte, codes []string) []byte {
	w := Writer{buf: out}
	for _, code := range codes {
		w.function(code)
	}
	return seal(w.buf, len(out))
}

// Errors of FUNCTION RESTORE, in Redis's words.
var (
	errOldFunction     = errors.New("ERR Pre-GA function format not supported")
	errNoFunction      = errors.New("ERR given type is not a function")
	errFunctionPayload = errors.New("ERR Failed loading library code")
)

// Functions returns the code of the libraries in a payload of FUNCTION DUMP.
// The error is ErrDumpVersion, or says in Redis's words what is wrong.
func Functions(payload []byte) ([][]byte, error) {
	body, err := unseal(payload, true)
	if err != nil {
		return nil, err
	}
	const ahead = 512 // the payload is in memory
	var codes [][]byte
	for r := newReader(bytes.NewReader(body), ahead); r.at < int64(len(body)); {
		op, err := r.byte()
		switch {
		case err != nil:
			return nil, errFunctionPayload
		case op == opFunction:
			return nil, errOldFunction
		case op != opFunction2:
			return nil, errNoFunction
		}
		code, err := r.text()
		if err != nil {
			return nil, errFunctionPayload
		}
		codes = append(codes, bytes.Clone(code))
	}
	return codes, nil
}
