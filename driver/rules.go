package driver

// rules are the decisions that the existing plugin takes otherwise, each named for the decision.
type rules struct {
	poolRules
	objectRules
	moveRules
	groupRules
	encryptionRules
	copyRules
}

// correct returns the decisions of a correct driver.
func correct() rules {
	return rules{poolRules: correctPool(), objectRules: correctObjects(), moveRules: correctMoves(), groupRules: correctGroups(), encryptionRules: correctEncryption(), copyRules: correctCopies()}
}
