package emulator

import (
	"fmt"

	"github.com/spsim/spsim/emulator/cluster"
)

// WithCondition starts the cluster unhealthy; it may be given more than once.
func WithCondition(cond cluster.Condition) Option {
	return func(c *config) error {
		c.conditions = append(c.conditions, cond)
		return nil
	}
}

// SetCondition makes the cluster unhealthy until [Server.ClearCondition]: a disk gone, a server down, a client
// dead, no quorum, capacity exhausted. A condition that makes no sense, or names something unknown, is refused with
// a [cluster.Error].
func (s *Server) SetCondition(cond cluster.Condition) error {
	if err := s.cluster.SetCondition(cond); err != nil {
		return fmt.Errorf("set condition %s: %w", cond.Kind, err)
	}
	return nil
}

// ClearCondition ends a condition; one that is not set is refused with [cluster.ObjectDoesNotExist].
func (s *Server) ClearCondition(cond cluster.Condition) error {
	if err := s.cluster.ClearCondition(cond); err != nil {
		return fmt.Errorf("clear condition %s: %w", cond.Kind, err)
	}
	return nil
}

// ClearConditions ends all conditions.
func (s *Server) ClearConditions() { s.cluster.ClearConditions() }

// Conditions lists what is wrong with the cluster, in the order in which it was set.
func (s *Server) Conditions() []cluster.Condition { return s.cluster.Conditions() }

// applyConditions sets those of the options.
func (s *Server) applyConditions() error {
	for _, cond := range s.cfg.conditions {
		if err := s.SetCondition(cond); err != nil {
			return err
		}
	}
	return nil
}
