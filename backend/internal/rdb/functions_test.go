package rdb

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"holdfast/backend/internal/store"
)

// What FUNCTION DUMP replies comes back whole, or not at all.
func TestFunctionPayloads(t *testing.T) {
	codes := []string{"#!lua name=a\n", strings.Repeat("x", 70000), ""}
	payload := AppendFunctions([]byte("before"), codes)[len("before"):]
	got, err := Functions(payload)
	if err != nil || len(got) != len(codes) || !slices.EqualFunc(got, codes, func(a []byte, b string) bool { return string(a) == b }) {
		t.Errorf("%d libraries, %v", len(got), err)
	}
	for i := range payload[:64] {
		broken := bytes.Clone(payload)
		broken[i] ^= 1
		if _, err := Functions(broken); !errors.Is(err, ErrDumpVersion) {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
	for body, want := range map[string]error{
		"": nil, "\xf6\x01a": errOldFunction, "\x00\x01a": errNoFunction, "\xf5\x05a": errFunctionPayload, "\xf5": errFunctionPayload,
		"\xf5\x81\xff\xff\xff\xff\xff\xff\xff\xff": errFunctionPayload,
	} {
		if _, err := Functions(Seal([]byte(body))); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", body, err, want)
		}
	}
	for n := range dumpFoot {
		if _, err := Functions(payload[:n]); !errors.Is(err, ErrDumpVersion) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// A snapshot carries the libraries ahead of the keys.
func TestSnapshotCarriesFunctions(t *testing.T) {
	s, err := store.New(1)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w := NewWriter(true)
	codes := []string{"#!lua name=a\nx", "#!lua name=b\ny"}
	w.Header(Info{RedisVersion: "7.2.6", Functions: codes})
	info, err := Load(bytes.NewReader(w.Seal(w.Take(Piece{}), true)), s)
	if err != nil || !slices.Equal(info.Functions, codes) {
		t.Errorf("%q, %v", info.Functions, err)
	}
}
