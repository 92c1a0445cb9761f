package fault

import "strings"

// pattern is the text that a rule asks for, in which * stands for any text and ? for any one character.
type pattern struct {
	text string
	wild bool
}

func newPattern(text string) pattern { return pattern{text, strings.ContainsAny(text, "*?")} }

// matches tells whether s is what is asked for. Text that is the same always is: names may hold a star.
func (p pattern) matches(s string) bool {
	return s == p.text || p.wild && glob(p.text, s)
}

// glob walks both texts once, and goes back to the last star where they part.
func glob(pattern, s string) bool {
	p, i := 0, 0
	star, from := -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			from++
			p, i = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
