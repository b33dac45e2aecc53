package geo

import "math"

// earthRadius is the quadratic mean radius of WGS-84, metres.
const earthRadius = 6372797.560856

const degree = math.Pi / 180

func radians(degrees float64) float64 { return degrees * degree }
func degrees(radians float64) float64 { return radians / degree }

// Distance is the length of the great circle between two places, metres, by the
// haversine formula.
func Distance(a, b Point) float64 { return haversine(a, b, sin, cos, asin) }

// surelyFarther tells, from an estimate, whether two places are farther apart than so
// many metres; where it is close, no. Most candidates of a search are decided here.
func surelyFarther(a, b Point, metres float64) bool {
	return haversine(a, b, math.Sin, math.Cos, math.Asin) > metres*(1+1e-6)+1
}

func haversine(a, b Point, sin, cos, asin func(float64) float64) float64 {
	v := sin((radians(b.Lon) - radians(a.Lon)) / 2)
	if v == 0 {
		return latDistance(a.Lat, b.Lat)
	}
	lat1, lat2 := radians(a.Lat), radians(b.Lat)
	u := sin((lat2 - lat1) / 2)
	h := float64(u*u) + float64(cos(lat1)*cos(lat2)*v*v)
	return 2 * earthRadius * asin(math.Sqrt(h))
}

// latDistance is the distance between two parallels.
func latDistance(lat1, lat2 float64) float64 {
	return earthRadius * math.Abs(radians(lat2)-float64(radians(lat1)))
}
