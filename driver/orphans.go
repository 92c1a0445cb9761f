package driver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/spapi"
)

// Unknown is an object of the plugin on StorPool that is not on record.
type Unknown struct {
	Pool     inventory.ID
	Path     string // device path
	Snapshot bool
	Role     string // the tag cs
	Deleted  bool   // it was a leftover and is gone
}

// CheckVolumes reports the volumes that carry the plugin's tags and that no record names (driver-management 13.2). Work
// volumes older than storpool.leftovers.delete.after are deleted (D-39). Pools that do not answer are part of the error.
func (d *Driver) CheckVolumes(ctx context.Context) ([]Unknown, error) {
	return d.check(ctx, func(ctx context.Context, c *conn) ([]spapi.Snapshot, error) {
		list, err := c.VolumesList(ctx)
		out := make([]spapi.Snapshot, 0, len(list))
		for _, v := range list {
			out = append(out, spapi.Snapshot{Volume: v})
		}
		return out, err
	}, false)
}

// CheckSnapshots is [Driver.CheckVolumes] for snapshots; temporary ones are the leftovers.
func (d *Driver) CheckSnapshots(ctx context.Context) ([]Unknown, error) {
	return d.check(ctx, func(ctx context.Context, c *conn) ([]spapi.Snapshot, error) { return c.SnapshotsList(ctx) }, true)
}

func (d *Driver) check(ctx context.Context, list func(context.Context, *conn) ([]spapi.Snapshot, error), snapshots bool) (out []Unknown, err error) {
	sources, err := d.statsSources()
	errs := []error{err}
	for _, s := range sources {
		c, err := d.connect(ctx, s.pool)
		var objects []spapi.Snapshot
		if err == nil {
			objects, err = list(ctx, c)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("look for unknown objects of pool %d: %w", s.pool, err))
			continue
		}
		for _, object := range objects {
			if !d.unknown(object, snapshots) {
				continue
			}
			u := Unknown{Pool: s.pool, Path: pathOf(object), Snapshot: snapshots, Role: object.Tags[tagRole]}
			if d.rules.leftover(d, u.Role, snapshots, object.CreatedAt) {
				err := d.dropLeftover(ctx, c, object, snapshots)
				errs, u.Deleted = append(errs, err), err == nil
			}
			d.log.InfoContext(ctx, "not on record", "path", u.Path, "snapshot", snapshots, "role", u.Role, "deleted", u.Deleted)
			out = append(out, u)
		}
	}
	return out, errors.Join(errs...)
}

// pathOf is the device path of an object, named ones of the days before global ids included.
func pathOf(s spapi.Snapshot) string {
	if s.Name == "" || strings.HasPrefix(s.Name, "~") {
		return devPath(s.GlobalID)
	}
	return byNamePrefix + s.Name
}

// unknown tells whether an object carries a role of the plugin and no record names it.
func (d *Driver) unknown(s spapi.Snapshot, snapshot bool) bool {
	role := s.Tags[tagRole]
	if role == "" || s.Gone() || s.Transient || strings.Contains(s.Name, "@") {
		return false
	}
	found := false
	_ = d.inv.View(func(tx *inventory.Tx) error { // never fails
		if snapshot {
			found = d.rules.snapshotKnown(tx, s)
			return nil
		}
		found = d.knownVolume(tx, s, role)
		return nil
	})
	return !found
}

// knownVolume looks a volume up by its role. Work volumes of templates are on record while their operation is.
func (d *Driver) knownVolume(tx *inventory.Tx, s spapi.Snapshot, role string) bool {
	if _, busy := tx.Intents.Find(func(i inventory.Intent) bool { return s.Tags[tagOperation] != "" && i.Op == s.Tags[tagOperation] }); busy {
		return true
	}
	switch role {
	case roleVolume:
		_, ok := tx.Volumes.Find(func(v inventory.Volume) bool {
			return v.Path != "" && (v.Path == pathOf(s) || v.Path == devPath(s.GlobalID)) && d.rules.volumeKnown(v)
		})
		return ok
	case roleCheckVolume:
		return named(tx, inventory.OfPool, s)
	default:
		return false
	}
}

// volumeKnown accepts a row in whatever state: it names the object (S-26).
func volumeKnown(inventory.Volume) bool { return true }

// named tells whether a detail of a kind names an object, by path or by global id.
func named(tx *inventory.Tx, kind inventory.Kind, s spapi.Snapshot) bool {
	for _, found := range tx.Details.Named(kind, func(string) bool { return true }) {
		name := found.Value
		if path := apiName(name, true); path != "" {
			name = path
		}
		if name == "~"+s.GlobalID || name == s.Name {
			return true
		}
	}
	return false
}

// snapshotKnown looks a snapshot up in everything that can name one (S-26).
func snapshotKnown(tx *inventory.Tx, s spapi.Snapshot) bool {
	if _, busy := tx.Intents.Find(func(i inventory.Intent) bool { return s.Tags[tagOperation] != "" && i.Op == s.Tags[tagOperation] }); busy {
		return true
	}
	return owned(tx, s.GlobalID) || named(tx, inventory.OfSnapshot, s) || named(tx, inventory.OfVMSnapshot, s)
}

// leftover tells whether an unknown object is one that an operation should have deleted long ago (D-39).
func leftover(d *Driver, role string, snapshot bool, made int64) bool {
	if role != roleTemporary && (snapshot || role != roleTemplate) || made <= 0 {
		return false
	}
	age, err := d.wait(SettingLeftoversAge)
	return err == nil && age > 0 && d.clock.Now().Sub(time.Unix(made, 0)) > age
}

func (d *Driver) dropLeftover(ctx context.Context, c *conn, s spapi.Snapshot, snapshot bool) error {
	if snapshot {
		return missingIsFine(deleteSnapshot(ctx, c, s.Name))
	}
	return deleteVolume(ctx, c, s.Name)
}
