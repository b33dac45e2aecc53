package repl

import (
	"errors"
	"fmt"
	"strconv"
)

// What a command is to the splitter.
type kind int

const (
	isCommand kind = iota
	isSelect
	isMulti
	isExec
	isPing
	isMark
	isEpoch
	isStatement
	isGetAck
)

func (s *splitter) classify(args [][]byte) (kind, error) {
	switch {
	case len(args) == 0:
		return isPing, nil // a bare newline
	case s.req.Inline():
		return 0, errors.New("an inline command")
	case is(args[0], "select") && len(args) == 2:
		db, err := strconv.Atoi(string(args[1]))
		if err != nil || db < 0 {
			return 0, fmt.Errorf("SELECT %q", args[1])
		}
		s.db = db
		return isSelect, nil
	case is(args[0], "multi"):
		if s.multi {
			return 0, errors.New("MULTI inside MULTI")
		}
		return isMulti, nil
	case is(args[0], "exec"):
		if !s.multi {
			return 0, errors.New("EXEC without MULTI")
		}
		return isExec, nil
	case is(args[0], "ping"):
		return pingKind(args), nil
	case is(args[0], "replconf"):
		if len(args) > 1 && is(args[1], "getack") {
			return isGetAck, nil
		}
		return isPing, nil
	}
	return isCommand, nil
}

func pingKind(args [][]byte) kind {
	if len(args) == 2 {
		if IsMark(args[1]) {
			return isMark
		}
		if _, _, ok := ParseEpochPayload(args[1]); ok {
			return isEpoch
		}
		if _, ok := ParseStatement(args[1]); ok {
			return isStatement
		}
	}
	return isPing
}

// is reports whether word is name, which is in lower case, in any case.
func is(word []byte, name string) bool {
	if len(word) != len(name) {
		return false
	}
	for i := range word {
		if word[i]|0x20 != name[i] {
			return false
		}
	}
	return true
}
