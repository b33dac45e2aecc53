package rdb

// unpackLZF undoes LZF compression, which redis-server uses for long strings.
// A token is either a run of literal bytes (below 32: one less than their
// number) or a copy: three bits of length, thirteen of distance, with one more
// byte of length when the three are all set. ok is false unless exactly size
// bytes come out.
func unpackLZF(in []byte, size int) (out []byte, ok bool) {
	out = make([]byte, 0, size)
	for i := 0; i < len(in); {
		token := int(in[i])
		i++
		if token < 32 {
			n := token + 1
			if i+n > len(in) || len(out)+n > size {
				return nil, false
			}
			out = append(out, in[i:i+n]...)
			i += n
			continue
		}
		n := token >> 5
		if n == 7 {
			if i >= len(in) {
				return nil, false
			}
			n += int(in[i])
			i++
		}
		if i >= len(in) {
			return nil, false
		}
		from := len(out) - (token&31<<8 | int(in[i])) - 1
		i++
		n += 2
		if from < 0 || len(out)+n > size {
			return nil, false
		}
		for k := range n { // the copy may overlap what it makes
			out = append(out, out[from+k])
		}
	}
	return out, len(out) == size
}
