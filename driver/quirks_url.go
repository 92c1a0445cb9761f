package driver

import (
	"net/url"
	"strings"
)

// upstreamURL reads a URL as the existing plugin does (driver-management 2): whatever is a valid URI must have the scheme
// storpool, only the rest is read as keys and values.
func upstreamURL(text string) (descriptor, error) {
	scheme, rest, valid := splitURI(text)
	if !valid {
		return upstreamPairs(text), nil
	}
	if !strings.EqualFold(scheme, "storpool") {
		return descriptor{}, &URLError{Field: "URL", Reason: "the scheme is not storpool, use " + uriForm}
	}
	authority, path, _ := strings.Cut(strings.TrimPrefix(rest, "//"), "/")
	desc := descriptor{}
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		desc.token = decoded(authority[:at])
		authority = authority[at+1:]
	}
	host, port := authority, "-1"
	if colon := strings.LastIndexByte(authority, ':'); colon >= 0 && !strings.HasSuffix(authority, "]") {
		if host = authority[:colon]; authority[colon+1:] != "" {
			port = authority[colon+1:]
		}
	}
	if host == "" {
		host = "null"
	}
	desc.hostPort = host + ":" + port
	desc.template = decoded(strings.ReplaceAll(path, "/", ""))
	return desc, nil
}

// decoded decodes percent-encoding that is known to be sound.
func decoded(text string) string {
	plain, _ := url.PathUnescape(text) // checked by splitURI
	return plain
}

// splitURI tells whether a text is a URI of RFC 2396, and its scheme, empty when it has none.
func splitURI(text string) (scheme, rest string, valid bool) {
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c == 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			return "", "", false
		}
	}
	if _, err := url.PathUnescape(text); err != nil {
		return "", "", false
	}
	end := strings.IndexAny(text, ":/?#")
	if end < 0 || text[end] != ':' {
		return "", text, text != ""
	}
	scheme, rest = text[:end], text[end+1:]
	return scheme, rest, isScheme(scheme) && rest != ""
}

func isScheme(s string) bool {
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789+-.", r)) {
			return false
		}
	}
	return s != ""
}

// upstreamPairs reads keys and values; a part with another count of = than one is dropped, a token with one among them.
func upstreamPairs(text string) (desc descriptor) {
	for part := range strings.SplitSeq(text, ";") {
		pieces := strings.Split(strings.TrimRight(part, "="), "=")
		if len(pieces) != 2 {
			continue
		}
		switch pieces[0] {
		case keyHTTP:
			desc.hostPort = pieces[1]
		case keyToken:
			desc.token = pieces[1]
		case keyTemplate:
			desc.template = pieces[1]
		}
	}
	if desc.template == "" {
		desc.template = noTemplate
	}
	return desc
}

// noTemplate stands for a template that was not named at all; the URI form yields an empty one instead, which passes.
const noTemplate = "\x00"

// presentDescriptor asks only whether the parts are there.
func presentDescriptor(desc descriptor) error {
	switch {
	case desc.hostPort == "":
		return &URLError{Field: keyHTTP, Reason: "No SP_API_HTTP"}
	case desc.token == "":
		return &URLError{Field: keyToken, Reason: "No SP_AUTH_TOKEN"}
	case desc.template == noTemplate:
		return &URLError{Field: keyTemplate, Reason: "No SP_TEMPLATE"}
	}
	return nil
}
