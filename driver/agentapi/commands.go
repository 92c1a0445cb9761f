// Package agentapi holds the commands that a management server sends to a KVM agent and the answers to
// them (agent 9, driver-management 14). It knows nothing of who sends and who executes.
package agentapi

import "time"

// Command is a command for a host. Its name is the plugin's without the prefix StorPool and the suffix Command.
type Command interface {
	// Command returns the name under which steps, faults and journals know it.
	Command() string
}

// Answer is what a host says. A nil *Answer is no answer; one without Payload is a generic answer.
type Answer struct {
	OK      bool
	Details string
	Payload Payload
}

// Payload is the object that an answer carries: [PoolInfo], [Volume], [Snapshot], [Template], [Resized], [Heartbeat], [Connected]
// or [VMFound].
type Payload interface{ payload() }

// PoolInfo answers ModifyStoragePool.
type PoolInfo struct {
	Pool            Pool
	LocalPath       string
	Capacity        int64 // bytes, constant 100 PiB
	Available       int64 // bytes
	ClusterID       string
	ClientNodeID    string // SP_OURID
	ClusterLocation string // name of the StorPool location; empty when unknown
}

// Resized answers ResizeVolume.
type Resized struct {
	Size          int64 // bytes, read from the device
	GuestNotified bool  // false: the guest sees the new size after its next start
}

// Heartbeat answers CheckHeartbeat.
type Heartbeat struct{ State HostState }

// HostState is what StorPool knows of a host's client.
type HostState string

// The states of a heartbeat answer; Unknown is not Down (agent 16, A-4).
const (
	HostUp      HostState = "up"
	HostDown    HostState = "down"
	HostUnknown HostState = "unknown"
)

// Connected answers ModifyTargets.
type Connected struct{ Paths []string }

func (PoolInfo) payload()  {}
func (Volume) payload()    {}
func (Snapshot) payload()  {}
func (Template) payload()  {}
func (Resized) payload()   {}
func (Heartbeat) payload() {}
func (Connected) payload() {}
func (VMFound) payload()   {}

// ModifyStoragePool connects a host to a pool (agent 9.1).
type ModifyStoragePool struct {
	Add         bool
	Pool        Pool
	LocalPath   string
	CheckVolume string // device path of the 512-byte check volume
}

// BackupSnapshot copies a StorPool snapshot to secondary storage (agent 9.2).
type BackupSnapshot struct {
	Source Snapshot // with its Volume
	Dest   Snapshot // Path is the directory, Name the file
	Wait   time.Duration
}

// BackupTemplateFromSnapshot makes a template on secondary storage of a snapshot or a volume (agent 9.3).
type BackupTemplateFromSnapshot struct {
	Snapshot *Snapshot // exactly one of Snapshot and Volume
	Volume   *Volume
	Dest     Template
	Wait     time.Duration
}

// CopyVolumeToSecondary copies a temporary snapshot of a volume to secondary storage or another primary pool (agent 9.4).
type CopyVolumeToSecondary struct {
	Source Volume // Path is the temporary snapshot's
	Dest   Volume
	Wait   time.Duration
}

// DownloadTemplate writes an image of secondary storage onto a StorPool volume (agent 9.5).
// Exactly one source and one destination are set. With a Template destination the volume takes the image's virtual size.
type DownloadTemplate struct {
	Template     *Template // source
	Snapshot     *Snapshot // source: a backed-up snapshot
	DestTemplate *Template
	DestVolume   *Volume
	ObjectType   string // "volume"
	Wait         time.Duration
}

// DownloadVolume writes a volume of secondary storage or another primary pool onto a StorPool volume (agent 9.6).
type DownloadVolume struct {
	Source Volume
	Dest   Volume
	Wait   time.Duration
}

// ResizeVolume tells a host that the API has resized a volume (agent 9.7).
type ResizeVolume struct {
	Path        string
	Pool        Pool
	CurrentSize int64 // bytes
	NewSize     int64 // bytes
	ShrinkOK    bool
	VM          string // instance name, "none" when detached
	Attached    bool
}

// SetVolumeEncryption formats a data volume as LUKS, or converts a template's snapshot into an encrypted root volume (agent 9.8).
type SetVolumeEncryption struct {
	Volume   Volume
	Source   string // device path of the template's snapshot, empty for a data volume
	DataDisk bool
}

// Start starts a VM: connects each disk, then runs the guest.
type Start struct{ VM VM }

// Stop stops a VM and disconnects its disks.
type Stop struct {
	VM    VM
	Force bool
}

// Attach connects a disk and plugs it into a running VM.
type Attach struct {
	VM   string
	Disk Disk
}

// Detach unplugs a disk from a running VM and disconnects it.
type Detach struct {
	VM   string
	Disk Disk
}

// DestroyTemplate removes a template's cached snapshot from a pool.
type DestroyTemplate struct {
	Path string
	Pool Pool
}

// ModifyTargets connects or disconnects volumes ahead of a migration.
type ModifyTargets struct {
	Add   bool
	Paths []string
	Pool  Pool
}

// PrepareForMigration prepares a host to receive a VM, or takes that back.
type PrepareForMigration struct {
	VM       VM
	Rollback bool
}

// Migrate moves a running VM to another host, with its storage when Storage is not empty.
type Migrate struct {
	VM      VM
	To      string            // UUID of the destination host
	Storage map[string]string // old device path to new device path
	Wait    time.Duration
}

// DirectDownload caches a template on a pool from a file on the host (agent 10). The answer carries the Template: Path is
// the device path of its snapshot, Size its virtual size.
type DirectDownload struct {
	Template Template // UUID and Name; Size is what the inventory expects, 0 when unknown
	Pool     Pool     // its UUID begins with the StorPool template
	File     string   // path on the host; the host deletes it afterwards
	Wait     time.Duration
}

// CheckVM asks whether a VM runs on the host; [VMFound] answers it.
type CheckVM struct{ VM string }

// VMFound answers CheckVM.
type VMFound struct {
	Running   bool
	Migrating bool // the host is moving it away
}

// CheckHeartbeat asks a host whether StorPool lists the client of a host as running (agent 6).
type CheckHeartbeat struct{ NodeID string } // SP_OURID of the suspect; empty asks for the host itself

// Command names the command.
func (ModifyStoragePool) Command() string { return "ModifyStoragePool" }

// Command names the command.
func (BackupSnapshot) Command() string { return "BackupSnapshot" }

// Command names the command.
func (BackupTemplateFromSnapshot) Command() string { return "BackupTemplateFromSnapshot" }

// Command names the command.
func (CopyVolumeToSecondary) Command() string { return "CopyVolumeToSecondary" }

// Command names the command.
func (DownloadTemplate) Command() string { return "DownloadTemplate" }

// Command names the command.
func (DownloadVolume) Command() string { return "DownloadVolume" }

// Command names the command.
func (ResizeVolume) Command() string { return "ResizeVolume" }

// Command names the command.
func (SetVolumeEncryption) Command() string { return "SetVolumeEncryption" }

// Command names the command.
func (Start) Command() string { return "Start" }

// Command names the command.
func (Stop) Command() string { return "Stop" }

// Command names the command.
func (Attach) Command() string { return "Attach" }

// Command names the command.
func (Detach) Command() string { return "Detach" }

// Command names the command.
func (DestroyTemplate) Command() string { return "DestroyTemplate" }

// Command names the command.
func (ModifyTargets) Command() string { return "ModifyTargets" }

// Command names the command.
func (PrepareForMigration) Command() string { return "PrepareForMigration" }

// Command names the command.
func (Migrate) Command() string { return "Migrate" }

// Command names the command.
func (CheckHeartbeat) Command() string { return "CheckHeartbeat" }

// Command names the command.
func (DirectDownload) Command() string { return "DirectDownload" }

// Command names the command.
func (CheckVM) Command() string { return "CheckVM" }
