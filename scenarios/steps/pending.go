package steps

import (
	"fmt"

	"github.com/cucumber/godog"
)

var rePending = expression(`^the scenarios of this are pending: (.+)$`)

func pendingSteps(sc *godog.ScenarioContext) {
	sc.Step(rePending(), func(why string) error { return fmt.Errorf("%s: %w", why, godog.ErrPending) })
}
