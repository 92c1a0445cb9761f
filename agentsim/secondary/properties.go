package secondary

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// PropertiesFile is the file beside a template that describes it.
const PropertiesFile = "template.properties"

// Properties are the pairs of a Java properties file.
type Properties map[string]string

// Encode writes the pairs as Java does: the date as a comment, then one escaped pair a line, in the order of keys.
func (p Properties) Encode(at time.Time) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "#\n#%s\n", at.UTC().Format("Mon Jan 02 15:04:05 UTC 2006"))
	for _, k := range slices.Sorted(maps.Keys(p)) {
		escape(&b, k, true)
		b.WriteByte('=')
		escape(&b, p[k], false)
		b.WriteByte('\n')
	}
	return []byte(b.String())
}

// escape writes a key or a value so that a reader takes it as it is: in a key every blank is escaped, in a value a
// leading one.
func escape(b *strings.Builder, s string, key bool) {
	const named = "\t\n\r\f"
	for i, r := range s {
		switch at := strings.IndexRune(named, r); {
		case at >= 0:
			b.WriteByte('\\')
			b.WriteByte("tnrf"[at])
		case r == ' ' && (key || i == 0), strings.ContainsRune(`\=:#!`, r):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20 || r > 0x7e:
			for _, u := range utf16.AppendRune(nil, r) {
				fmt.Fprintf(b, `\u%04X`, u)
			}
		default:
			b.WriteRune(r)
		}
	}
}

// ParseProperties reads a Java properties file: comments, continued lines, = or : or a blank between key and value,
// escapes. Bytes beyond ASCII are Latin-1 as Java reads them. A malformed \u escape is an error.
func ParseProperties(data []byte) (Properties, error) {
	p := Properties{}
	for _, line := range logicalLines(latin1(data)) {
		k, v := splitPair(line)
		key, err := unescape(k)
		if err != nil {
			return nil, err
		}
		if p[key], err = unescape(v); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func latin1(data []byte) string {
	r := make([]rune, len(data))
	for i, b := range data {
		r[i] = rune(b)
	}
	return string(r)
}

// logicalLines drops comments and empty lines and joins continued ones.
func logicalLines(s string) []string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
	var out []string
	joined, more := "", false
	for line := range strings.SplitSeq(s, "\n") {
		line = strings.TrimLeft(line, " \t\f")
		if !more && (line == "" || line[0] == '#' || line[0] == '!') {
			continue
		}
		tail := len(line) - len(strings.TrimRight(line, `\`))
		more = tail%2 == 1
		if more {
			line = line[:len(line)-1]
		}
		joined += line
		if !more {
			out, joined = append(out, joined), ""
		}
	}
	if joined != "" {
		out = append(out, joined)
	}
	return out
}

// splitPair finds the end of the key: the first separator that is not escaped.
func splitPair(line string) (key, value string) {
	i := 0
	for i < len(line) && !strings.ContainsRune("=: \t\f", rune(line[i])) {
		if line[i] == '\\' {
			i++
		}
		i++
	}
	i = min(i, len(line))
	value = strings.TrimLeft(line[i:], " \t\f")
	if value != "" && (value[0] == '=' || value[0] == ':') {
		value = strings.TrimLeft(value[1:], " \t\f")
	}
	return line[:i], value
}

func unescape(s string) (string, error) {
	var units []uint16
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		i += n
		if r != '\\' || i == len(s) {
			units = utf16.AppendRune(units, r)
			continue
		}
		r, n = utf8.DecodeRuneInString(s[i:])
		i += n
		if r == 'u' {
			if len(s)-i < 4 {
				return "", fmt.Errorf("properties: malformed escape in %q", s)
			}
			u, err := strconv.ParseUint(s[i:i+4], 16, 16)
			if err != nil {
				return "", fmt.Errorf("properties: malformed escape in %q", s)
			}
			units, i = append(units, uint16(u)), i+4
			continue
		}
		if at := strings.IndexRune("tnrf", r); at >= 0 {
			r = rune("\t\n\r\f"[at])
		}
		units = utf16.AppendRune(units, r)
	}
	return string(utf16.Decode(units)), nil
}
