package driver

// Capability is a name under which a driver tells CloudStack what it can do.
type Capability string

// The capabilities of the plugin; every other one is absent, storage-system snapshots, revert and volume from snapshot
// among them (driver-management 9.1).
const (
	CopySnapshotBetweenZones   Capability = "CAN_COPY_SNAPSHOT_BETWEEN_ZONES_AND_SAME_POOL_TYPE"
	CreateTemplateFromSnapshot Capability = "CAN_CREATE_TEMPLATE_FROM_SNAPSHOT"
)

// FixedAnswers are what the driver answers to CloudStack's questions whatever the object (driver-management 9.1).
type FixedAnswers struct {
	Capabilities map[Capability]bool
	// UsedBytes, UsedIOPS and BytesForTemplate are 0: the pool's row counts.
	UsedBytes, UsedIOPS, BytesForTemplate int64
	// GrantAccess does nothing and says false, which is no error: hosts attach by themselves.
	GrantAccess             bool
	HostCanAccessPool       bool
	VMInfoNeeded            bool
	HASupported             bool
	InformOnOfferingChange  bool
	AccessForMigration      bool
	VolumesNeedGrant        bool
	ZoneWideWithoutCluster  bool
	CustomStorageStats      bool
	QualityOfServiceOnMove  bool
	AnnouncesEncryptionRoom bool // the 2 MiB of a LUKS header are not announced
}

// Answers returns the fixed answers.
func Answers() FixedAnswers {
	return FixedAnswers{
		Capabilities: map[Capability]bool{CopySnapshotBetweenZones: true, CreateTemplateFromSnapshot: true},
		VMInfoNeeded: true, HASupported: true, InformOnOfferingChange: true,
	}
}

// VMTagNeeded tells whether the driver wants to know of a VM's resource tag: of vc-policy only.
func VMTagNeeded(key string) bool { return key == tagPolicy }
