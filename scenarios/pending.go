package scenarios

// awaiting lists the defects that can be put in and that no scenario shows yet, each with what their scenarios wait for.
// [Prove] fails on an entry whose defect is seen: the list only shrinks.
func awaiting() map[string]string {
	out := map[string]string{}
	for why, ids := range map[string][]string{
		"encrypted volumes have no scenarios yet": {
			"D-10a", "D-10b", "D-10c", "D-10d", "D-10e", "D-25c", "S-18", "A-1", "A-2", "A-11", "A-16", "A-24",
		},
	} {
		for _, id := range ids {
			out[id] = why
		}
	}
	return out
}
