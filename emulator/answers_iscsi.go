package emulator

// iscsiConfigAnswer is the whole iSCSI configuration.
type iscsiConfigAnswer struct {
	ISCSI iscsiConfigData `json:"iscsi"`
}

// iscsiConfigData holds everything by numeric id.
type iscsiConfigData struct {
	BaseName     string                   `json:"baseName"`
	PortalGroups map[int]iscsiPortalGroup `json:"portalGroups"`
	Targets      map[int]iscsiTarget      `json:"targets"`
	Initiators   map[int]iscsiInitiator   `json:"initiators"`
}

type iscsiPortalGroup struct {
	Name     string         `json:"name"`
	Networks []iscsiNetwork `json:"networks"`
	Portals  []iscsiPortal  `json:"portals"`
}

type iscsiNetwork struct {
	Address string `json:"address"`
	Prefix  int    `json:"prefix"`
}

// iscsiPortal has its port as text.
type iscsiPortal struct {
	Controller int    `json:"controller"`
	IP         string `json:"ip"`
	Port       string `json:"port"`
}

type iscsiTarget struct {
	Name       string `json:"name"`
	Volume     string `json:"volume"`
	Controller int    `json:"currentControllerId"`
}

type iscsiInitiator struct {
	Name     string        `json:"name"`
	Username string        `json:"username"`
	Secret   string        `json:"secret"`
	Nets     []string      `json:"nets"`
	Exports  []iscsiExport `json:"exports"`
}

type iscsiExport struct {
	PortalGroup string `json:"portalGroup"`
	Target      string `json:"target"`
}

type iscsiSessions struct {
	Sessions []iscsiSession `json:"sessions"`
}

// iscsiSession is a session, or only the controller and its status where the controller does not answer.
type iscsiSession struct {
	Controller int    `json:"controllerId"`
	Status     string `json:"status"`
	*iscsiLogin
}

// iscsiLogin is what a session has that is there.
type iscsiLogin struct {
	ISID       string      `json:"ISID,omitempty"`
	Connection int         `json:"connectionId,omitempty"`
	Initiator  string      `json:"initiator,omitempty"`
	Target     string      `json:"target,omitempty"`
	Created    int64       `json:"timeCreated,omitempty"` // UNIX seconds
	Stats      *iscsiStats `json:"stats,omitempty"`
	Tasks      *iscsiTasks `json:"tasks,omitempty"`
	TCP        *iscsiTCP   `json:"tcp,omitempty"`
}

// iscsiStats counts PDUs by kind.
type iscsiStats struct {
	DataIn    int64 `json:"dataIn"`
	DataOut   int64 `json:"dataOut"`
	Login     int64 `json:"login"`
	LoginRsp  int64 `json:"loginRsp"`
	Logout    int64 `json:"logout"`
	LogoutRsp int64 `json:"logoutRsp"`
	NopIn     int64 `json:"nopIn"`
	NopOut    int64 `json:"nopOut"`
	R2T       int64 `json:"r2t"`
	Reject    int64 `json:"reject"`
	SCSI      int64 `json:"scsi"`
	SCSIRsp   int64 `json:"scsiRsp"`
	Snack     int64 `json:"snack"`
	Task      int64 `json:"task"`
	TaskRsp   int64 `json:"taskRsp"`
	Text      int64 `json:"text"`
	TextRsp   int64 `json:"textRsp"`
}

type iscsiTasks struct {
	Aborted    int64 `json:"aborted"`
	DataOut    int64 `json:"dataOut"`
	DataResp   int64 `json:"dataResp"`
	InFreeList int64 `json:"inFreeList"`
	Processing int64 `json:"processing"`
	Queued     int64 `json:"queued"`
}

type iscsiTCP struct {
	HWPort           int           `json:"hwPort"`
	InitiatorIP      string        `json:"initiatorIP"`
	InitiatorPort    int           `json:"initiatorPort"`
	LocalMSS         int           `json:"localMSS"`
	PortalIP         string        `json:"portalIP"`
	PortalPort       int           `json:"portalPort"`
	RemoteMSS        int           `json:"remoteMSS"`
	RemoteWindowSize int           `json:"remoteWindowSize"`
	WScale           int           `json:"wscale"`
	Stats            iscsiTCPStats `json:"stats"`
}

type iscsiTCPStats struct {
	DataHoles            int64 `json:"dataHoles"`
	DiscardedBytes       int64 `json:"discardedBytes"`
	DiscardedPackets     int64 `json:"discardedPackets"`
	NewBytesIn           int64 `json:"newBytesIn"`
	NewBytesOut          int64 `json:"newBytesOut"`
	NewPacketsIn         int64 `json:"newPacketsIn"`
	NewPacketsOut        int64 `json:"newPacketsOut"`
	RetransmitsAcks      int64 `json:"retransmitsAcks"`
	RetransmitsAcks2     int64 `json:"retransmitsAcks2"`
	RetransmitsTimeout   int64 `json:"retransmitsTimeout"`
	RetransmittedBytes   int64 `json:"retransmittedBytes"`
	RetransmittedPackets int64 `json:"retransmittedPackets"`
	TotalBytesIn         int64 `json:"totalBytesIn"`
	TotalBytesOut        int64 `json:"totalBytesOut"`
	TotalPacketsIn       int64 `json:"totalPacketsIn"`
	TotalPacketsOut      int64 `json:"totalPacketsOut"`
}

type iscsiInterfaces struct {
	Controllers []iscsiController `json:"controllers"`
}

// iscsiController has interfaces only where it answers.
type iscsiController struct {
	Controller int              `json:"controllerId"`
	Status     string           `json:"status"`
	Interfaces []iscsiInterface `json:"interfaces,omitempty"`
}

type iscsiInterface struct {
	Name        string `json:"interfaceName"`
	ResolveName string `json:"resolveInterfaceName"`
	MAC         string `json:"MAC"`
	Port        int    `json:"port"`
	State       string `json:"state"`
}
