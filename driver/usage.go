package driver

import "github.com/spsim/spsim/driver/inventory"

// charge adds delta bytes to the used bytes of a pool, which stay between nothing and its capacity
// (driver-management 15.5). It belongs into the transaction that stores the rows, so that no update is lost (D-25).
func charge(tx *inventory.Tx, pool inventory.ID, delta int64) error {
	return tx.Pools.Change(pool, func(p *inventory.Pool) { p.Used = max(0, min(p.Used+delta, p.Capacity)) })
}
