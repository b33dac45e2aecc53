package geo

import "math"

// Shape is what a search looks in: a circle, or a box whose sides are parallel to
// the equator and the meridians.
type Shape struct {
	Center        Point
	Box           bool
	Radius        float64 // of a circle, in Unit
	Width, Height float64 // of a box, in Unit
	Unit          float64 // metres
}

// Range is a range of scores, Min included and Max not.
type Range struct{ Min, Max float64 }

// Contains tells whether a place lies in the shape, and how many metres from its
// centre.
func (s *Shape) Contains(p Point) (metres float64, ok bool) {
	if !s.Box {
		radius := s.Radius * s.Unit
		if surelyFarther(s.Center, p, radius) {
			return 0, false
		}
		metres = Distance(s.Center, p)
		return metres, !(metres > radius)
	}
	if latDistance(p.Lat, s.Center.Lat) > s.Height*s.Unit/2 {
		return 0, false
	}
	beside := Point{s.Center.Lon, p.Lat}
	if width := s.Width * s.Unit; surelyFarther(p, beside, width/2) || Distance(p, beside) > width/2 {
		return 0, false
	}
	return Distance(s.Center, p), true
}

// Cells returns the ranges of scores in which the places of the shape are to be looked
// for: the cell of its centre first, then its neighbours in Redis's order, which is that
// of unsorted replies.
func (s *Shape) Cells() []Range {
	bounds := s.bounds()
	step := s.step()
	c := cellOf(s.Center, step)
	if step > 1 && !covers(c, bounds) {
		step--
		c = cellOf(s.Center, step)
	}
	own := c.area()
	ranges := make([]Range, 0, 9)
	for _, d := range [9][2]int{{0, 0}, {0, 1}, {0, -1}, {1, 0}, {-1, 0}, {1, 1}, {-1, 1}, {1, -1}, {-1, -1}} {
		if step >= 2 && needless(own, bounds, d[0], d[1]) {
			continue
		}
		r := c.moved(d[0], d[1]).scores()
		if n := len(ranges); n == 0 || ranges[n-1] != r { // in a coarse grid neighbours coincide
			ranges = append(ranges, r)
		}
	}
	return ranges
}

// bounds is the rectangle around the shape. Meridians come closer towards the poles, so
// the side that decides is the one nearer to the pole.
func (s *Shape) bounds() area {
	height, width := s.Unit*s.Radius, s.Unit*s.Radius
	if s.Box {
		height, width = s.Unit*(s.Height/2), s.Unit*(s.Width/2)
	}
	lat := degrees(height / earthRadius)
	pole := s.Center.Lat + lat
	if s.Center.Lat < 0 {
		pole = s.Center.Lat - lat
	}
	lon := degrees(width / earthRadius / math.Cos(radians(pole)))
	return area{Point{s.Center.Lon - lon, s.Center.Lat - lat}, Point{s.Center.Lon + lon, s.Center.Lat + lat}}
}

// step is how fine the grid may be so that nine cells are likely to cover the shape.
func (s *Shape) step() uint {
	const half = 20037726.37 // metres: of the equator, as the Mercator projection has it
	reach := s.Radius
	if s.Box {
		w, h := s.Width/2, s.Height/2
		reach = math.Sqrt(float64(w*w) + float64(h*h))
	}
	reach *= s.Unit
	if reach == 0 {
		return steps
	}
	step := 1
	for ; reach < half; reach *= 2 {
		step++
	}
	step -= 2
	if lat := math.Abs(s.Center.Lat); lat > 66 {
		step-- // cells are narrow near the poles
		if lat > 80 {
			step--
		}
	}
	return uint(min(max(step, 1), steps))
}

// covers tells whether the cell and its neighbours reach the bounds on all sides.
func covers(c cell, bounds area) bool {
	short := c.moved(0, 1).area().max.Lat < bounds.max.Lat || // false for NaN, the bounds of infinity
		c.moved(0, -1).area().min.Lat > bounds.min.Lat ||
		c.moved(1, 0).area().max.Lon < bounds.max.Lon ||
		c.moved(-1, 0).area().min.Lon > bounds.min.Lon
	return !short
}

// needless tells whether the neighbour in this direction can be left out since the
// centre's own cell reaches beyond the bounds there.
func needless(own, bounds area, lon, lat int) bool {
	return lat < 0 && own.min.Lat < bounds.min.Lat || lat > 0 && own.max.Lat > bounds.max.Lat ||
		lon < 0 && own.min.Lon < bounds.min.Lon || lon > 0 && own.max.Lon > bounds.max.Lon
}
