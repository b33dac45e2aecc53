package commands

import "testing"

func TestBitmaps(t *testing.T) {
	r := newRig(t)
	r.script(`
		SETBIT b 7 1 => :0
		SETBIT b 7 1 => :1
		SETBIT b 7 2 => -ERR bit is not an integer or out of range
		SETBIT b -1 1 => -ERR bit offset is not an integer or out of range
		SETBIT b 4294967296 1 => -ERR bit offset is not an integer or out of range
		SETBIT b 0 1 => :0
		GETBIT b 0 => :1
		GETBIT b 1 => :0
		GETBIT b 4294967295 => :0
		GETBIT b x => -ERR bit offset is not an integer or out of range
		SETBIT b 17 0 => :0
		STRLEN b => :3
		SET s foobar => OK
		BITCOUNT s => :26
		BITCOUNT s 0 0 => :4
		BITCOUNT s 1 1 => :6
		BITCOUNT s -2 -1 => :7
		BITCOUNT s 5 30 BIT => :17
		BITCOUNT s 5 5 BIT => :1
		BITCOUNT s 1 => -ERR syntax error
		BITCOUNT s 1 2 NO => -ERR syntax error
		BITCOUNT s x 2 => -ERR value is not an integer or out of range
		BITCOUNT nothing x 2 => :0
		BITPOS s 1 => :1
		BITPOS s 0 => :0
		BITPOS s 1 2 => :17
		BITPOS s 1 2 3 => :17
		BITPOS s 1 10 12 BIT => :10
		BITPOS s 2 => -ERR The bit argument must be 1 or 0.
		BITPOS nothing 0 => :0
		BITPOS nothing 1 => :-1
		SETBIT ones 0 1 => :0
		BITFIELD ones SET u8 0 255 => [:128]
		BITPOS ones 0 => :8
		BITPOS ones 0 0 -1 => :-1
		BITPOS ones 0 5 => :-1
		BITPOS ones 1 8 9 BIT => :-1
		BITOP NOT not ones => :1
		BITCOUNT not => :0
		SET x abc => OK
		SET y ABCD => OK
		BITOP AND r x y => :4
		BITOP OR r x y nothing => :4
		GET r => abcD
		BITOP XOR r x x => :3
		BITCOUNT r => :0
		BITOP NOT r x y => -ERR BITOP NOT must be called with a single source key.
		BITOP NO r x => -ERR syntax error
		RPUSH l x => :1
		BITOP AND r x l => ` + wrongType + `
		SETBIT l 0 1 => ` + wrongType + `
		GETBIT l 0 => ` + wrongType + `
		BITCOUNT l => ` + wrongType + `
		BITPOS l 0 => ` + wrongType + `
		BITFIELD l GET u8 0 => ` + wrongType + `
	`)
}

func TestBitfields(t *testing.T) {
	r := newRig(t)
	r.script(`
		BITFIELD f INCRBY i5 100 1 GET u4 0 => [:1 :0]
		BITFIELD f SET u8 0 200 INCRBY u8 0 100 => [:0 :44]
		BITFIELD f OVERFLOW SAT INCRBY u8 0 1000 => [:255]
		BITFIELD f OVERFLOW SAT INCRBY u8 0 -1000 => [:0]
		BITFIELD f OVERFLOW FAIL INCRBY u8 0 -1 GET u8 0 => [nil :0]
		BITFIELD f SET u8 0 -1 => [:0]
		BITFIELD f GET u8 0 GET i8 0 GET u8 #0 GET u8 #1 => [:255 :-1 :255 :0]
		BITFIELD f OVERFLOW SAT SET i8 0 1000 GET i8 0 => [:-1 :127]
		BITFIELD f OVERFLOW WRAP INCRBY i8 0 1 => [:-128]
		BITFIELD f OVERFLOW SAT INCRBY i8 0 -1 => [:-128]
		BITFIELD f SET i64 64 9223372036854775807 => [:8388608]
		BITFIELD f INCRBY i64 64 1 => [:-9223372036854775808]
		BITFIELD f OVERFLOW FAIL INCRBY i64 64 -1 => [nil]
		BITFIELD f SET u63 64 9223372036854775807 OVERFLOW SAT INCRBY u63 64 9223372036854775807 => [:4611686018427387904 :9223372036854775807]
		BITFIELD f GET u64 0 => -ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
		BITFIELD f GET x8 0 => -ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
		BITFIELD f GET u8 -1 => -ERR bit offset is not an integer or out of range
		BITFIELD f OVERFLOW NO => -ERR Invalid OVERFLOW type specified
		BITFIELD f GET u8 => -ERR syntax error
		BITFIELD f SET u8 0 x => -ERR value is not an integer or out of range
		BITFIELD g OVERFLOW SAT SET i5 0 -9223372036854775808 GET i5 0 => [:0 :15]
		BITFIELD f => []
		BITFIELD_RO f GET u8 0 => [:128]
		BITFIELD_RO f SET u8 0 1 => -ERR BITFIELD_RO only supports the GET subcommand
		BITFIELD_RO nothing GET u8 0 => [:0]
		BITFIELD nothing GET u8 0 => [:0]
		EXISTS nothing => :0
	`)
}
