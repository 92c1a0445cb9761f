package driver

import (
	"strconv"
	"strings"
	"time"

	"github.com/spsim/spsim/driver/inventory"
)

// The settings that the driver reads (driver-management 3.1, 3.2).
const (
	SettingBypass              = "sp.bypass.secondary.storage"
	SettingBackupToSecondary   = "snapshot.backup.to.secondary"
	SettingClusterID           = "sp.cluster.id"
	SettingAlternativeOn       = "sp.enable.alternative.endpoint"
	SettingAlternativeEndpoint = "sp.alternative.endpoint"
	SettingVolumesStats        = "storpool.volumes.stats.interval"
	SettingStorageStats        = "storpool.storage.stats.interval"
	SettingDeleteAfter         = "storpool.delete.after.interval"
	SettingDeleteAfterCheck    = "storpool.list.snapshots.delete.after.interval"
	SettingClusterLocation     = "sp.cluster.location"
	SettingClusterEndpoint     = "sp.cluster.endpoint"
	SettingVolumesCheckup      = "storpool.volume.tags.checkup"
	SettingSnapshotsCheckup    = "storpool.snapshot.tags.checkup"
	SettingRecoveryCheck       = "storpool.snapshot.recovery.from.remote.check"
	SettingDownloadWait        = "primary.storage.download.wait"
	SettingCopyVolumeWait      = "copy.volume.wait"
	SettingBackupWait          = "backup.snapshot.wait"
	SettingMigrationWait       = "kvm.storage.online.migration.wait"
	SettingPolicyAdminOnly     = "storpool.vc.policy.admin.only"
	SettingEncryptedBackup     = "storpool.encrypted.snapshot.backup"
	SettingLeftoversAge        = "storpool.leftovers.delete.after"
)

// noClusterID is the value of sp.cluster.id while it is not known.
const noClusterID = "n/a"

// Setting describes a setting: its default as text, and the kinds of rows that may carry a value of their own,
// the narrowest first. Every setting may be set globally.
type Setting struct {
	Name    string
	Kind    string // bool, seconds or text
	Default string
	Scopes  []inventory.Kind
	Effect  string
}

// Settings lists what can be set.
func Settings() []Setting {
	pool := []inventory.Kind{inventory.OfPool}
	cluster := []inventory.Kind{inventory.OfCluster}
	poolZone := []inventory.Kind{inventory.OfPool, inventory.OfZone}
	return []Setting{
		{SettingBypass, "bool", "false", poolZone, "snapshots stay on StorPool"},
		{SettingBackupToSecondary, "bool", "true", poolZone, "snapshots are backed up to secondary storage; false is the same as bypass"},
		{SettingClusterID, "text", noClusterID, cluster, "StorPool cluster behind the CloudStack cluster, written at host connect"},
		{SettingAlternativeOn, "bool", "false", pool, "use the alternative endpoint"},
		{SettingAlternativeEndpoint, "text", "", pool, "connection of the alternative endpoint"},
		{SettingVolumesStats, "seconds", "3600", nil, "period of volume statistics, 0 for none"},
		{SettingStorageStats, "seconds", "3600", nil, "period of template statistics, 0 for none"},
		{SettingDeleteAfter, "seconds", "0", pool, "how long a snapshot of a deleted volume lives, 0 for none"},
		{SettingDeleteAfterCheck, "seconds", "360", nil, "period of the check for expired snapshots of deleted volumes"},
		{SettingClusterLocation, "text", "", pool, "StorPool location of the pool, written at host connect"},
		{SettingClusterEndpoint, "text", "", cluster, "API endpoint of the cluster, for exports"},
		{SettingVolumesCheckup, "seconds", "86400", nil, "period of the report of unknown volumes"},
		{SettingSnapshotsCheckup, "seconds", "86400", nil, "period of the report of unknown snapshots"},
		{SettingRecoveryCheck, "seconds", "300", nil, "period of the check for finished remote copies"},
		{SettingDownloadWait, "seconds", "10800", nil, "time for a download to primary storage"},
		{SettingCopyVolumeWait, "seconds", "10800", nil, "time for a copy of a volume"},
		{SettingBackupWait, "seconds", "21600", nil, "time for the backup of a snapshot"},
		{SettingMigrationWait, "seconds", "86400", nil, "time for the migration of a VM with its volumes"},
		{SettingPolicyAdminOnly, "bool", "false", nil, "only administrators may set the backup policy of a VM"},
		{SettingEncryptedBackup, "bool", "false", poolZone, "snapshots of encrypted volumes are backed up as ciphertext"},
		{SettingLeftoversAge, "seconds", "86400", nil, "age at which temporary objects are leftovers and deleted, 0 for never"},
	}
}

// poolOwners are the rows whose settings hold for a pool, the narrowest first.
func poolOwners(p inventory.Pool) []inventory.Owner {
	return []inventory.Owner{{Kind: inventory.OfPool, ID: p.ID}, {Kind: inventory.OfZone, ID: p.Zone}}
}

// lookup returns the values that are set for name, the narrowest scope first, and the setting's default.
func lookup(tx *inventory.Tx, name string, owners []inventory.Owner) (set []string, byDefault string) {
	for _, s := range Settings() {
		if s.Name != name {
			continue
		}
		for _, kind := range s.Scopes {
			for _, o := range owners {
				if value, ok := tx.Details.Get(o, name); ok && o.Kind == kind {
					set = append(set, value)
				}
			}
		}
		if value, ok := tx.Details.Get(inventory.Global(), name); ok {
			set = append(set, value)
		}
		return set, s.Default
	}
	return nil, ""
}

// read returns the narrowest value that parses, or the default. What does not parse is logged.
func read[T any](d *Driver, tx *inventory.Tx, name string, owners []inventory.Owner, parse func(string) (T, error)) T {
	set, byDefault := lookup(tx, name, owners)
	for _, text := range set {
		value, err := parse(text)
		if err == nil {
			return value
		}
		d.log.Warn("setting ignored: its value makes no sense", "setting", name, "error", err)
	}
	value, _ := parse(byDefault) // a test holds every default to its kind
	return value
}

// flag reads a bool setting.
func (d *Driver) flag(tx *inventory.Tx, name string, owners ...inventory.Owner) bool {
	return read(d, tx, name, owners, parseFlag)
}

// seconds reads a time span.
func (d *Driver) seconds(tx *inventory.Tx, name string, owners ...inventory.Owner) time.Duration {
	return read(d, tx, name, owners, parseSeconds)
}

// text reads a text setting.
func (d *Driver) text(tx *inventory.Tx, name string, owners ...inventory.Owner) string {
	return read(d, tx, name, owners, func(s string) (string, error) { return s, nil })
}

func parseFlag(s string) (bool, error) {
	return strconv.ParseBool(strings.ToLower(strings.TrimSpace(s)))
}

func parseSeconds(s string) (time.Duration, error) {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 31)
	return time.Duration(n) * time.Second, err
}

// Bypass tells whether snapshots of a pool stay on StorPool and are not backed up to secondary storage.
func (d *Driver) Bypass(pool inventory.ID) (bool, error) {
	bypass := false
	err := d.inv.View(func(tx *inventory.Tx) error {
		p, err := tx.Pools.Must(pool)
		if err == nil {
			bypass = d.rules.bypass(d, tx, p)
		}
		return err
	})
	return bypass, err
}

// bypass honours both names of the switch; the narrowest scope that sets either decides (DESIGN, D-17).
func bypass(d *Driver, tx *inventory.Tx, p inventory.Pool) bool {
	for _, o := range append(poolOwners(p), inventory.Global()) {
		bypassText, one := tx.Details.Get(o, SettingBypass)
		backupText, other := tx.Details.Get(o, SettingBackupToSecondary)
		bypass, err1 := parseFlag(bypassText)
		backup, err2 := parseFlag(backupText)
		one, other = one && err1 == nil, other && err2 == nil
		if one || other {
			return one && bypass || other && !backup
		}
	}
	return d.flag(tx, SettingBypass) || !d.flag(tx, SettingBackupToSecondary)
}
