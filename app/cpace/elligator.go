package cpace

import "filippo.io/edwards25519/field"

// curveA is Curve25519's A: v² = u³ + A·u² + u.
const curveA = 486662

// elligator2 maps 32 bytes, little-endian, of which the topmost bit does not count,
// to the u-coordinate of a point of Curve25519: map_to_curve_elligator2 of RFC 9380
// §6.7.1 with Z = 2, in constant time.
func elligator2(r []byte) []byte {
	one := new(field.Element).One()
	a := new(field.Element).Mult32(one, curveA)
	x := mustElement(r)

	// u1 = -A / (1 + 2r²); the denominator is never 0, since -1/2 is no square
	x.Square(x)
	x.Add(x, x)
	x.Add(x, one)
	u1 := new(field.Element).Invert(x)
	u1.Multiply(u1, a)
	u1.Negate(u1)

	// u2 = -u1 - A, which is on the curve if u1 is not
	u2 := new(field.Element).Negate(u1)
	u2.Subtract(u2, a)

	// on the curve: u1³ + A·u1² + u1 = u1·(u1·(u1 + A) + 1) is a square
	y2 := new(field.Element).Add(u1, a)
	y2.Multiply(y2, u1)
	y2.Add(y2, one)
	y2.Multiply(y2, u1)
	return u1.Select(u1, u2, isSquare(y2)).Bytes()
}

// isSquare returns 1 if x is a square other than 0, by Euler: x^((p-1)/2) = 1. With
// p = 2^255-19, (p-1)/2 = 4·(2^252-3) + 2.
func isSquare(x *field.Element) int {
	e := new(field.Element).Pow22523(x)
	e.Square(e)
	e.Square(e)
	e.Multiply(e, new(field.Element).Square(x))
	return e.Equal(new(field.Element).One())
}

func mustElement(p []byte) *field.Element {
	e, err := new(field.Element).SetBytes(p)
	if err != nil {
		panic(err) // p has 32 bytes
	}
	return e
}
