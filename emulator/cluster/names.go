package cluster

import "strings"

// Bounds of ids and sizes, storpool-api 4.5.
const (
	objectSize    = 32 << 20 // bytes
	sectorSize    = 512      // bytes
	maxName       = 199
	maxGroupName  = 127
	maxSiteName   = 63
	maxDiskText   = 30
	maxClientID   = 4095
	maxNodes      = 64
	maxServers    = 40 // disk ids of one server are in one hundred
	slotsOfClient = 1024
	maxReplicas   = 3
	minDiskSize   = 4 << 30 // bytes
	maxSeconds    = 1 << 40
)

// made tells whether s consists of 1 to limit letters, digits and characters of extra.
func made(s, extra string, limit int) bool {
	if s == "" || len(s) > limit {
		return false
	}
	for i := range len(s) {
		switch b := s[i]; {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9':
		case strings.IndexByte(extra, b) >= 0:
		default:
			return false
		}
	}
	return true
}

// validName is the rule for names that clients choose for volumes and snapshots (storpool-api 4.1).
func validName(s string) bool {
	return len(s) <= maxName && made(strings.TrimPrefix(s, "#"), "_-.:", maxName) && s != "list" && s != "status"
}

func validTemplateName(s string) bool { return made(s, "_-", maxName) && s != "list" }

func validGroupName(s string) bool { return made(s, "_-", maxGroupName) && s != "list" }

func validSiteName(s string) bool {
	return len(s) <= maxSiteName && made(strings.TrimPrefix(s, "#"), "_-.:", maxSiteName) && s != "list"
}

func validSiteID(s string) bool { return made(s, "", maxSiteName) && s == strings.ToLower(s) }

// validGlobalID tells "<location>.<subcluster>.<sequence>" from all else (storpool-api 4.2).
func validGlobalID(s string) bool {
	parts := strings.Split(s, ".")
	if len(parts) != 3 || len(s) > maxName {
		return false
	}
	for _, p := range parts {
		if !made(p, "", maxName) || p != strings.ToLower(p) {
			return false
		}
	}
	return true
}

// validRef accepts what a reference to a volume or snapshot may look like, generated names included.
func validRef(r Ref) bool {
	s := string(r)
	if gid, ok := strings.CutPrefix(s, "~"); ok {
		return validGlobalID(gid)
	}
	return len(s) <= maxName && made(strings.TrimLeft(s[:min(1, len(s))], "#*")+s[min(1, len(s)):], "_-.:@", maxName)
}

func validTagName(s string) bool { return made(s, "_-.:", maxName) }

// validTagValue accepts any printable text, or with strict only what the bindings accept (storpool-api 4.4).
func validTagValue(s string, strict bool) bool {
	if strict {
		return s == "" || made(s, "_-.:", maxName)
	}
	return len(s) <= maxName && strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) < 0
}

func validDiskText(s string) bool { return s == "" || made(s, "_- ", maxDiskText) }

// validKey accepts what the public key of a bridge may look like.
func validKey(s string) bool { return made(s, "_-.:+/=", maxName) }
