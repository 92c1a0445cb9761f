package scenarios

// awaiting lists the defects that can be put in and that no scenario shows yet, each with what its scenarios wait for: none.
// [Prove] fails on an entry whose defect is seen: the list only shrinks.
func awaiting() map[string]string { return map[string]string{} }
