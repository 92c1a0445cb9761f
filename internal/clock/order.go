package clock

// Order has the actors of a virtual clock take turns: one of them runs, and when it parks or ends another goes on.
// The clock calls everything but Next and [Turn.Wait] with its lock held, so an order must not call back there.
type Order interface {
	// Turn is a place in the order for the actor that runs now, which is about to park or starts another.
	Turn() Turn
	// Next lets another actor go on: the one that ran has parked or ended.
	Next()
}

// Turn is the place of an actor in an [Order].
type Turn interface {
	// Ready says that the actor could go on. It is called once.
	Ready()
	// Wait returns when the actor's turn has come.
	Wait()
}

// SetOrder has the actors that start or park from now on take turns; nil lets them run side by side again. It is for
// an actor that is the only one.
func (v *Virtual) SetOrder(o Order) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.order = o
}

// place is a new turn, nil without an order.
func (v *Virtual) place() Turn {
	if v.order == nil {
		return nil
	}
	return v.order.Turn()
}

// yield hands on, when there is an order.
func (v *Virtual) yield() {
	v.mu.Lock()
	o := v.order
	v.mu.Unlock()
	if o != nil {
		o.Next()
	}
}
