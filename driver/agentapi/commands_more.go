package agentapi

// MigrateWithVolumes is [Migrate] preset to managed storage (agent 9.9). Hosts do the same for both.
type MigrateWithVolumes struct{ Migrate }

// CreateVolume makes an empty volume on an NFS pool: a qcow2 file, encrypted when there is a passphrase. The answer
// carries the Volume with its path. StorPool's volumes are made through the API.
type CreateVolume struct{ Volume Volume } // UUID, Size, Pool and Passphrase

// DeleteVolume removes a volume of an NFS pool; one that is not there is deleted already.
type DeleteVolume struct{ Volume Volume } // Path and Pool

// Command names the command.
func (MigrateWithVolumes) Command() string { return "MigrateWithVolumes" }

// Command names the command.
func (CreateVolume) Command() string { return "CreateVolume" }

// Command names the command.
func (DeleteVolume) Command() string { return "DeleteVolume" }
