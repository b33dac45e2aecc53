package geo

// The range of places that have a hash, in degrees (EPSG:900913).
const (
	MinLon, MaxLon = -180.0, 180.0
	MinLat, MaxLat = -85.05112878, 85.05112878
)

// steps is how many bits of each coordinate a score has.
const steps = 26

// Point is a place, in degrees.
type Point struct{ Lon, Lat float64 }

// Valid tells whether the place can be hashed.
func (p Point) Valid() bool {
	return p.Lon >= MinLon && p.Lon <= MaxLon && p.Lat >= MinLat && p.Lat <= MaxLat
}

// Encode returns the score of a valid place.
func Encode(p Point) uint64 { return cellOf(p, steps).bits() }

// Decode returns the place that a score stands for: the middle of its cell.
// Scores that are no hash decode to some valid place, as in Redis.
func Decode(score float64) Point {
	lat, lon := deinterleave(toUint64(score))
	a := cell{lat, lon, steps}.area()
	return Point{
		Lon: min(max((a.min.Lon+a.max.Lon)/2, MinLon), MaxLon),
		Lat: min(max((a.min.Lat+a.max.Lat)/2, MinLat), MaxLat),
	}
}

// toUint64 converts as C compilers do on 64-bit machines, where the language
// leaves it open.
func toUint64(v float64) uint64 {
	const two63 = 1 << 63
	switch {
	case v >= two63 && v < 2*two63:
		return uint64(v-two63) | two63
	case v >= 2*two63:
		return 0
	case v <= -two63:
		return two63
	}
	return uint64(int64(v))
}

// cell is a field of a grid with 2^step columns and as many rows.
type cell struct {
	lat, lon uint32
	step     uint
}

func cellOf(p Point, step uint) cell {
	return cellIn(p, step, MinLat, MaxLat)
}

func cellIn(p Point, step uint, minLat, maxLat float64) cell {
	n := float64(uint64(1) << step)
	lat := (p.Lat - minLat) / (maxLat - minLat) * n
	lon := (p.Lon - MinLon) / (MaxLon - MinLon) * n
	return cell{uint32(lat), uint32(lon), step}
}

func (c cell) bits() uint64 { return interleave(c.lat, c.lon) }

// scores is the range of scores, the end excluded, of the places in the cell.
func (c cell) scores() Range {
	shift := 2 * (steps - c.step)
	return Range{float64(c.bits() << shift), float64((c.bits() + 1) << shift)}
}

// area is a rectangle on the map.
type area struct{ min, max Point }

func (c cell) area() area {
	n := float64(uint64(1) << c.step)
	lat := func(i uint32) float64 { return MinLat + float64(float64(i)/n*(MaxLat-MinLat)) }
	lon := func(i uint32) float64 { return MinLon + float64(float64(i)/n*(MaxLon-MinLon)) }
	return area{Point{lon(c.lon), lat(c.lat)}, Point{lon(c.lon + 1), lat(c.lat + 1)}}
}

// moved is the neighbour so many columns and rows away, around the world. A place at
// the very edge lies in a column or row that does not exist; only moving along it
// brings it back.
func (c cell) moved(lon, lat int) cell {
	mask := uint32(1)<<c.step - 1
	if lon != 0 {
		c.lon = (c.lon + uint32(lon)) & mask
	}
	if lat != 0 {
		c.lat = (c.lat + uint32(lat)) & mask
	}
	return c
}

// interleave puts the bits of lat into the even places and those of lon into the odd.
func interleave(lat, lon uint32) uint64 { return spread(lat) | spread(lon)<<1 }

func deinterleave(bits uint64) (lat, lon uint32) { return gather(bits), gather(bits >> 1) }

// spread puts a zero before every bit.
func spread(v uint32) uint64 {
	x := uint64(v)
	x = (x | x<<16) & 0x0000ffff0000ffff
	x = (x | x<<8) & 0x00ff00ff00ff00ff
	x = (x | x<<4) & 0x0f0f0f0f0f0f0f0f
	x = (x | x<<2) & 0x3333333333333333
	return (x | x<<1) & 0x5555555555555555
}

// gather takes every other bit.
func gather(x uint64) uint32 {
	x &= 0x5555555555555555
	x = (x | x>>1) & 0x3333333333333333
	x = (x | x>>2) & 0x0f0f0f0f0f0f0f0f
	x = (x | x>>4) & 0x00ff00ff00ff00ff
	x = (x | x>>8) & 0x0000ffff0000ffff
	return uint32(x | x>>16)
}

// Text returns the geohash of a place as the world writes it, in 11 characters. It
// hashes the latitudes from -90 to 90, so the bits are not those of a score; the last
// character would need more than 52 and is always 0.
func Text(p Point) string {
	const alphabet = "0123456789bcdefghjkmnpqrstuvwxyz"
	bits := cellIn(p, steps, -90, 90).bits()
	text := []byte("00000000000")
	for i := range 10 {
		text[i] = alphabet[bits>>(52-5*(i+1))&31]
	}
	return string(text)
}
