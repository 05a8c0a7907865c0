package faces

import "github.com/imago-ml/imago/engine/rng"

// The attributes, in the order of their names; those that CelebA has too are named as
// there and mean the same.
const (
	bald = iota
	bangs
	blackHair
	blondHair
	brownHair
	darkBackground
	darkSkin
	eyeglasses
	facingLeft
	facingRight
	goatee
	grayHair
	longHair
	male
	mouthSlightlyOpen
	mustache
	noBeard
	paleSkin
	redHair
	rosyCheeks
	smiling
	wavyHair
	wearingEarrings
	wearingHat
	wearingLipstick
	numAttributes
	none = -1
)

// Attributes are the names of the attributes.
var Attributes = []string{
	bald: "Bald", bangs: "Bangs", blackHair: "Black_Hair", blondHair: "Blond_Hair", brownHair: "Brown_Hair",
	darkBackground: "Dark_Background", darkSkin: "Dark_Skin", eyeglasses: "Eyeglasses",
	facingLeft: "Facing_Left", facingRight: "Facing_Right", goatee: "Goatee", grayHair: "Gray_Hair", longHair: "Long_Hair",
	male: "Male", mouthSlightlyOpen: "Mouth_Slightly_Open", mustache: "Mustache", noBeard: "No_Beard",
	paleSkin: "Pale_Skin", redHair: "Red_Hair", rosyCheeks: "Rosy_Cheeks", smiling: "Smiling", wavyHair: "Wavy_Hair",
	wearingEarrings: "Wearing_Earrings", wearingHat: "Wearing_Hat", wearingLipstick: "Wearing_Lipstick",
}

// The traits of a face are its attributes and the continuous features that no attribute
// describes.
type traits struct {
	has  [numAttributes]bool
	hair int // the colour: blackHair to redHair; a bald head has one in its brows

	yaw, roll         float32 // tangents of half the angles
	x, y, size        float32 // where the head is, and half its height; parts of the image's side
	wide, jaw, chin   float32 // of the head, 0 to 1
	skin, tone        float32 // of the skin and the hair within their kind, 0 to 1
	eyes, apart, lids float32 // size of the eyes, how far apart, how far shut; −1 to 1
	iris, iris2       float32 // colour of the iris, 0 to 1
	gaze              float32 // where the eyes look, −1 to 1
	brows, arch       float32 // strength and shape of the brows, −1 to 1
	nose, noseWide    float32 // −1 to 1
	mouth, curve      float32 // width of the mouth, −1 to 1; how far its corners are up, −1 to 1
	gap               float32 // between the lips, 0 to 1
	lips              float32 // fullness, −1 to 1
	volume, part      float32 // of the hair, 0 to 1; where it is parted, −1 to 1
	style             float32 // which of several forms, 0 to 1
	hat, hatHue       float32 // which hat, of which colour, 0 to 1
	glasses, rim      float32 // which frame, of which colour, 0 to 1
	cloth, collar     float32 // 0 to 1
	ground, light     float32 // colour of the background, 0 to 1; where the light is, −1 to 1
}

// draw returns the traits drawn from that key. Most attributes are independent of one
// another, so that each can be learnt separately. Not independent are those whose
// combination would look wrong: beards are men's, lipstick and earrings mostly women's,
// and long hair more often theirs.
func draw(key rng.Key) traits {
	s := key.Stream()
	var t traits
	chance := func(a int, p float32) bool {
		t.has[a] = s.Uniform() < p
		return t.has[a]
	}
	oneOf := func(kinds []int, shares []float32) int { // the rest of the shares is the last again
		u := s.Uniform()
		for i, k := range kinds {
			if u -= shares[i]; u < 0 {
				return k
			}
		}
		return kinds[len(kinds)-1]
	}
	even := func() float32 { return 2*s.Uniform() - 1 }

	man := chance(male, 0.5)
	chance(smiling, 0.5)
	chance(mouthSlightlyOpen, 0.4)
	chance(eyeglasses, 0.25)
	chance(wearingHat, 0.15)
	chance(rosyCheeks, 0.25)
	chance(darkBackground, 0.35)
	for _, kinds := range [][]int{{paleSkin, darkSkin, none}, {facingLeft, facingRight, none}} {
		if k := oneOf(kinds, []float32{0.25, 0.25, 0.5}); k != none {
			t.has[k] = true
		}
	}
	t.hair = oneOf([]int{blackHair, brownHair, blondHair, redHair, grayHair}, []float32{0.26, 0.26, 0.24, 0.11, 0.13})
	long, lipstick, earrings := float32(0.75), float32(0.6), float32(0.4)
	if man {
		long, lipstick, earrings = 0.12, 0, 0.04
		chance(bald, 0.1)
		if !chance(noBeard, 0.55) {
			chance(goatee, 0.3)
		}
		if !t.has[goatee] && (!t.has[noBeard] || s.Uniform() < 0.15) {
			t.has[mustache] = true
		}
	} else {
		t.has[noBeard] = true
	}
	t.has[t.hair] = true
	chance(longHair, long)
	chance(wavyHair, 0.4)
	chance(bangs, 0.3)
	chance(wearingLipstick, lipstick)
	chance(wearingEarrings, earrings)
	t.tone = s.Uniform()
	if t.has[wearingHat] { // what it hides is not there
		t.has[bald], t.has[bangs] = false, false
	}
	if t.has[bald] {
		for _, a := range []int{t.hair, longHair, wavyHair, bangs} {
			t.has[a] = false
		}
	}

	t.pose(&s, even)
	t.wide, t.jaw, t.chin = s.Uniform(), s.Uniform(), s.Uniform()
	t.skin = s.Uniform()
	t.eyes, t.apart, t.lids = even(), even(), even()
	t.iris, t.iris2, t.gaze = s.Uniform(), s.Uniform(), s.ClampedNormal(0, 0.4, -1, 1)
	t.brows, t.arch = even(), even()
	t.nose, t.noseWide = even(), even()
	t.mouth, t.lips = even(), even()
	t.curve = mix(-0.55, 0.05, s.Uniform())
	if t.has[smiling] {
		t.curve = mix(0.6, 1, s.Uniform())
	}
	t.gap = s.Uniform()
	t.volume, t.part, t.style = s.Uniform(), even(), s.Uniform()
	t.hat, t.hatHue = s.Uniform(), s.Uniform()
	t.glasses, t.rim = s.Uniform(), s.Uniform()
	t.cloth, t.collar = s.Uniform(), s.Uniform()
	t.ground, t.light = s.Uniform(), even()
	return t
}

// pose draws the pose of the head. A face with a side attribute is turned by eight
// degrees or more, every other by less than four.
func (t *traits) pose(s *rng.Stream, even func() float32) {
	t.yaw = mul(0.03, even())
	if u := s.Uniform(); t.has[facingLeft] {
		t.yaw = -mix(0.07, 0.13, u)
	} else if t.has[facingRight] {
		t.yaw = mix(0.07, 0.13, u)
	}
	t.roll = s.ClampedNormal(0, 0.022, -0.06, 0.06)
	t.x, t.y = s.ClampedNormal(0.5, 0.012, 0.46, 0.54), s.ClampedNormal(0.53, 0.012, 0.495, 0.565)
	t.size = s.ClampedNormal(0.335, 0.012, 0.305, 0.365)
}
