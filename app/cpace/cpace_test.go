package cpace

import (
	"bytes"
	"crypto/ecdh"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"math/big"
	"testing"

	"filippo.io/edwards25519/field"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	p, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func same(t *testing.T, what string, got []byte, want string) {
	t.Helper()
	if hex.EncodeToString(got) != want {
		t.Errorf("%s is\n%x, want\n%s", what, got, want)
	}
}

// The draft's vectors for X25519 and SHA-512 (draft-irtf-cfrg-cpace-21 appendix B.1).
var (
	vectorPRS = []byte("Password")
	vectorCI  = []byte("\x0bA_initiator\x0bB_responder")
)

const (
	vectorSID = "7e4b4791d6a8ef019b936c79fb7f2c57"
	vectorYa  = "21b4f4bd9e64ed355c3eb676a28ebedaf6d8f17bdc365995b319097153044080"
	vectorYb  = "848b0779ff415f0af4ea14df9dd1d3c29ac41d836c7808896c4eba19c51ac40a"
	shareA    = "1d13c89278cdadd826f6d8d7f887701430f8380ddc17611cdd6dc989ce0c9f32"
	shareB    = "248cccf6d5cdc3646f0ad593f9e6cef4e69d4945f8372e623512ecea32185623"
	vectorK   = "5b067effbdc0b2a0e1d907b21ebb25cfedb96a852179a847c37e43ee71322c6b"
	vectorISK = "6e19b875f7a561d6b3ca3dbb9ef42ac55de3e717881018204b8922b4d5e53bb2" +
		"aa82c300bea7b65d2b671da71922ddf6472301b79bc270adfa8bf413285f2263"
)

func TestDraftStrings(t *testing.T) { // appendix A.1
	same(t, "lv_cat", lvCat([]byte("1234"), []byte("5"), nil, []byte("678")), "043132333401350003363738")
	same(t, "prepend_len of 128 bytes", lvCat(make([]byte, 128))[:3], "800100")
	same(t, "prepend_len of 127 bytes", lvCat(make([]byte, 127))[:2], "7f00")
}

func TestDraftGenerator(t *testing.T) { // B.1.1
	s := generatorString(vectorPRS, vectorCI, unhex(t, vectorSID))
	same(t, "the generator string", s, "0843506163653235350850617373776f72646d"+
		hex.EncodeToString(make([]byte, 109))+"180b415f696e69746961746f720b425f726573706f6e646572107e4b4791d6a8ef019b936c79fb7f2c57")
	h := sha512.Sum512(s)
	same(t, "its hash", h[:32], "03998087bdb1a2617bbe25ef5a7c18cd4f84f902328701790958755ee4aed1d3")
	same(t, "the generator", generator(vectorPRS, vectorCI, unhex(t, vectorSID)), "d04bf6d41f6a289632a2e929fa29bebd51092512a7829fdde7d314b62f05a73f")
}

func TestDraftRun(t *testing.T) { // B.1.2 to B.1.5
	a, err := Start(bytes.NewReader(unhex(t, vectorYa)), vectorPRS, vectorCI, unhex(t, vectorSID))
	if err != nil {
		t.Fatal(err)
	}
	b, err := Start(bytes.NewReader(unhex(t, vectorYb)), vectorPRS, vectorCI, unhex(t, vectorSID))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "Ya", a.Share(), shareA)
	same(t, "Yb", b.Share(), shareB)
	k, err := multiply(a.scalar, b.share)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "K", k, vectorK)
	same(t, "the transcript", transcript(nil, Message{a.share, []byte("ADa")}, Message{b.share, []byte("ADb")})[1:],
		"20"+shareA+"03414461"+"20"+shareB+"03414462")
	keyA, err := a.Initiator([]byte("ADa"), Message{b.Share(), []byte("ADb")})
	if err != nil {
		t.Fatal(err)
	}
	keyB, err := b.Responder([]byte("ADb"), Message{a.Share(), []byte("ADa")})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the initiator's ISK", keyA[:], vectorISK)
	same(t, "the responder's ISK", keyB[:], vectorISK)
}

// lowOrder is B.1.10: what X25519 makes of points of low order, and of those that
// would be if the topmost bit counted. "" stands for the neutral element.
var lowOrder = []struct{ u, q string }{
	{"0000000000000000000000000000000000000000000000000000000000000000", ""},
	{"0100000000000000000000000000000000000000000000000000000000000000", ""},
	{"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", ""},
	{"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800", ""},
	{"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157", ""},
	{"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", ""},
	{"daffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", "d8e2c776bbacd510d09fd9278b7edcd25fc5ae9adfba3b6e040e8d3b71b21806"},
	{"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", ""},
	{"dbffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", "c85c655ebe8be44ba9c0ffde69f2fe10194458d137f09bbff725ce58803cdb38"},
	{"d9ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", "db64dafa9b8fdd136914e61461935fe92aa372cb056314e1231bc4ec12417456"},
	{"cdeb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b880", "e062dcd5376d58297be2618c7498f55baa07d7e03184e8aada20bca28888bf7a"},
	{"4c9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f11d7", "993c6ad11c4c29da9a56f7691fd0ff8d732e49de6250b6c2e80003ff4629a175"},
}

func TestDraftLowOrderPoints(t *testing.T) {
	scalar, err := ecdh.X25519().NewPrivateKey(unhex(t, "af46e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449aff"))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range lowOrder {
		q, err := multiply(scalar, unhex(t, v.u))
		if (v.q == "") != errors.Is(err, ErrShare) {
			t.Errorf("%s: error %v", v.u, err)
		}
		same(t, v.u, q, v.q)
	}
}

func TestLowOrderSharesAbort(t *testing.T) {
	for _, v := range lowOrder {
		x, err := Start(nil, vectorPRS, vectorCI, nil)
		if err != nil {
			t.Fatal(err)
		}
		peer := Message{Share: unhex(t, v.u)}
		for _, finish := range []func([]byte, Message) (Key, error){x.Initiator, x.Responder} {
			if key, err := finish(nil, peer); errors.Is(err, ErrShare) != (v.q == "") || (err != nil && key != Key{}) {
				t.Errorf("%s: key %x, error %v", v.u, key, err)
			}
		}
	}
}

func TestSharesOfOtherLengthsAndOurOwnAreRefused(t *testing.T) {
	x, err := Start(nil, vectorPRS, vectorCI, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 31, 33, 64} {
		if _, err := x.Initiator(nil, Message{Share: bytes.Repeat([]byte{9}, n)}); !errors.Is(err, ErrShare) {
			t.Errorf("%d bytes: error %v", n, err)
		}
	}
	if _, err := x.Responder(nil, Message{Share: x.Share()}); !errors.Is(err, ErrReflected) {
		t.Errorf("our own share: error %v", err)
	}
}

// TestElligatorOfRFC9380 holds the map against RFC 9380's curve25519_XMD:SHA-512_ELL2_NU_
// suite (appendix J.4.2), whose vectors give u and Q.
func TestElligatorOfRFC9380(t *testing.T) {
	for _, v := range []struct{ u, q string }{ // big-endian, as printed there
		{"608d892b641f0328523802a6603427c26e55e6f27e71a91a478148d45b5093cd", "51125222da5e763d97f3c10fcc92ea6860b9ccbbd2eb1285728f566721c1e65b"},
		{"46f5b22494bfeaa7f232cc8d054be68561af50230234d7d1d63d1d9abeca8da5", "7d56d1e08cb0ccb92baf069c18c49bb5a0dcd927eff8dcf75ca921ef7f3e6eeb"},
		{"235fe40c443766ce7e18111c33862d66c3b33267efa50d50f9e8e5d252a40aaa", "3fbe66b9c9883d79e8407150e7c2a1c8680bee496c62fabe4619a72b3cabe90f"},
		{"001e92a544463bda9bd04ddbe3d6eed248f82de32f522669efc5ddce95f46f5b", "227e0bb89de700385d19ec40e857db6e6a3e634b1c32962f370d26f84ff19683"},
		{"1a68a1af9f663592291af987203393f707305c7bac9c8d63d6a729bdc553dc19", "3bcd651ee54d5f7b6013898aab251ee8ecc0688166fce6e9548d38472f6bd196"},
	} {
		u, q := unhex(t, v.u), unhex(t, v.q)
		reverse(u)
		reverse(q)
		same(t, "the map of "+v.u, elligator2(u), hex.EncodeToString(q))
	}
}

func reverse(p []byte) {
	for i, j := 0, len(p)-1; i < j; i, j = i+1, j-1 {
		p[i], p[j] = p[j], p[i]
	}
}

// TestElligatorAgreesWithPlainArithmetic computes appendix A.5 with big numbers.
func TestElligatorAgreesWithPlainArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "r")
		if got, want := elligator2(r), plainElligator(r); !bytes.Equal(got, want) {
			t.Fatalf("elligator2(%x) = %x, want %x", r, got, want)
		}
	})
}

func plainElligator(r []byte) []byte {
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	a, one := big.NewInt(curveA), big.NewInt(1)
	be := bytes.Clone(r)
	be[31] &= 0x7f
	reverse(be)
	x := new(big.Int).SetBytes(be)
	x.Mul(x, x).Lsh(x, 1).Add(x, one).ModInverse(x, p)
	v := x.Mul(x, new(big.Int).Neg(a)).Mod(x, p)
	y2 := new(big.Int).Add(v, a)
	y2.Mul(y2, v).Add(y2, one).Mul(y2, v).Mod(y2, p)
	if big.Jacobi(y2, p) != 1 {
		v.Neg(v).Sub(v, a).Mod(v, p)
	}
	out := v.FillBytes(make([]byte, 32))
	reverse(out)
	return out
}

func TestSquaresAreToldFromOthers(t *testing.T) {
	two := new(field.Element).Mult32(new(field.Element).One(), 2)
	if isSquare(two) == 1 || isSquare(new(field.Element).Square(two)) != 1 || isSquare(new(field.Element).Zero()) == 1 {
		t.Error("2 is no square, 4 is one, and 0 does not count")
	}
}

// TestKeysAgreeExactlyIfEverythingDoes runs both ends, with one input changed or none.
func TestKeysAgreeExactlyIfEverythingDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SliceOfN(rapid.Byte(), 0, 300)
		in := map[string][]byte{}
		for _, name := range []string{"password", "ci", "sid", "ada", "adb"} {
			in[name] = word.Draw(t, name)
		}
		a, err := Start(nil, in["password"], in["ci"], in["sid"])
		if err != nil {
			t.Fatal(err)
		}
		changed := rapid.SampledFrom([]string{"", "password", "ci", "sid", "ada", "adb"}).Draw(t, "changed")
		seen := map[string][]byte{}
		for name, p := range in {
			seen[name] = p
			if name == changed {
				seen[name] = append(bytes.Clone(p), 'x')
			}
		}
		b, err := Start(nil, seen["password"], seen["ci"], seen["sid"])
		if err != nil {
			t.Fatal(err)
		}
		keyA, errA := a.Initiator(in["ada"], Message{b.Share(), in["adb"]})
		keyB, errB := b.Responder(seen["adb"], Message{a.Share(), seen["ada"]})
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		if (keyA == keyB) != (changed == "") {
			t.Fatalf("changed %q: keys %x and %x", changed, keyA[:4], keyB[:4])
		}
	})
}

// FuzzFinish gives an end whatever shares may arrive: never a panic, never a key
// with an error, never one key for two shares.
func FuzzFinish(f *testing.F) {
	for _, v := range lowOrder {
		f.Add(unhex(f, v.u), []byte("ad"))
	}
	f.Fuzz(func(t *testing.T, share, ad []byte) {
		x, err := Start(nil, vectorPRS, vectorCI, []byte("sid"))
		if err != nil {
			t.Fatal(err)
		}
		key, err := x.Responder(nil, Message{share, ad})
		if (err != nil) != (key == Key{}) {
			t.Fatalf("key %x with error %v", key, err)
		}
	})
}

func BenchmarkRun(b *testing.B) {
	for b.Loop() {
		x, err := Start(nil, vectorPRS, vectorCI, []byte("sid"))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := x.Initiator(nil, Message{Share: unhex(b, shareB)}); err != nil {
			b.Fatal(err)
		}
	}
}
