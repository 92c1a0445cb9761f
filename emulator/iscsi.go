package emulator

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"

	"github.com/spsim/spsim/emulator/cluster"
)

// iscsiConfig: storpool-api 13.
func iscsiConfig(_ context.Context, c *cluster.Cluster, _ noArguments) (iscsiConfigAnswer, error) {
	config := c.ISCSIConfig()
	out := iscsiConfigData{
		BaseName: config.BaseName, PortalGroups: map[int]iscsiPortalGroup{},
		Targets: map[int]iscsiTarget{}, Initiators: map[int]iscsiInitiator{},
	}
	for _, g := range config.PortalGroups {
		out.PortalGroups[g.ID] = portalGroupOf(g)
	}
	for _, t := range config.Targets {
		out.Targets[t.ID] = iscsiTarget{Name: t.Name, Volume: t.Volume, Controller: t.Controller}
	}
	for _, i := range config.Initiators {
		one := iscsiInitiator{Name: i.Name, Username: i.Username, Secret: i.Secret, Nets: []string{}, Exports: []iscsiExport{}}
		for _, n := range i.Networks {
			one.Nets = append(one.Nets, n.String())
		}
		for _, e := range i.Exports {
			one.Exports = append(one.Exports, iscsiExport(e))
		}
		out.Initiators[i.ID] = one
	}
	return iscsiConfigAnswer{ISCSI: out}, nil
}

func portalGroupOf(g cluster.ISCSIPortalGroup) iscsiPortalGroup {
	out := iscsiPortalGroup{Name: g.Name, Networks: []iscsiNetwork{}, Portals: []iscsiPortal{}}
	for _, n := range g.Networks {
		out.Networks = append(out.Networks, iscsiNetwork{Address: n.Addr().String(), Prefix: n.Bits()})
	}
	for _, p := range g.Portals {
		out.Portals = append(out.Portals, iscsiPortal{
			Controller: p.Controller, IP: p.Addr.Addr().String(), Port: strconv.Itoa(int(p.Addr.Port())),
		})
	}
	return out
}

// The arguments of the commands.
type (
	iscsiNamed struct {
		Name string `sp:"name,required"`
	}
	iscsiVolume struct {
		Volume cluster.Ref `sp:"volumeName,required"`
	}
	iscsiPGNetwork struct {
		PortalGroup string `sp:"portalGroup,required"`
		Net         string `sp:"net,required"`
	}
	iscsiNewPortal struct {
		PortalGroup string `sp:"portalGroup,required"`
		Controller  int    `sp:"controller,required"`
		IP          string `sp:"ip,required"`
		Port        int    `sp:"port"`
	}
	iscsiOldPortal struct {
		IP   string `sp:"ip,required"`
		Port int    `sp:"port"`
	}
	iscsiNewInitiator struct {
		Name     string `sp:"name,required"`
		Username string `sp:"username,required"`
		Secret   string `sp:"secret,required"`
	}
	iscsiInitiatorNet struct {
		Initiator string `sp:"initiator,required"`
		Net       string `sp:"net,required"`
	}
	iscsiExported struct {
		Initiator   string      `sp:"initiator,required"`
		PortalGroup string      `sp:"portalGroup,required"`
		Volume      cluster.Ref `sp:"volumeName,required"`
	}
)

// iscsiCommand is one command: exactly one member is there.
type iscsiCommand struct {
	SetBaseName           *iscsiNamed        `sp:"setBaseName"`
	CreatePortalGroup     *iscsiNamed        `sp:"createPortalGroup"`
	DeletePortalGroup     *iscsiNamed        `sp:"deletePortalGroup"`
	PortalGroupAddNetwork *iscsiPGNetwork    `sp:"portalGroupAddNetwork"`
	CreatePortal          *iscsiNewPortal    `sp:"createPortal"`
	DeletePortal          *iscsiOldPortal    `sp:"deletePortal"`
	CreateTarget          *iscsiVolume       `sp:"createTarget"`
	DeleteTarget          *iscsiVolume       `sp:"deleteTarget"`
	CreateInitiator       *iscsiNewInitiator `sp:"createInitiator"`
	DeleteInitiator       *iscsiNamed        `sp:"deleteInitiator"`
	InitiatorAddNetwork   *iscsiInitiatorNet `sp:"initiatorAddNetwork"`
	Export                *iscsiExported     `sp:"export"`
	ExportDelete          *iscsiExported     `sp:"exportDelete"`
}

// all returns the members that are there.
func (q iscsiCommand) all() []cluster.ISCSICommand {
	var out []cluster.ISCSICommand
	out = appendCommand(out, q.SetBaseName, func(x iscsiNamed) cluster.ISCSICommand { return cluster.ISCSISetBaseName(x) })
	out = appendCommand(out, q.CreatePortalGroup, func(x iscsiNamed) cluster.ISCSICommand { return cluster.ISCSICreatePortalGroup(x) })
	out = appendCommand(out, q.DeletePortalGroup, func(x iscsiNamed) cluster.ISCSICommand { return cluster.ISCSIDeletePortalGroup(x) })
	out = appendCommand(out, q.PortalGroupAddNetwork, func(x iscsiPGNetwork) cluster.ISCSICommand {
		return cluster.ISCSIPortalGroupAddNetwork(x)
	})
	out = appendCommand(out, q.CreatePortal, func(x iscsiNewPortal) cluster.ISCSICommand { return cluster.ISCSICreatePortal(x) })
	out = appendCommand(out, q.DeletePortal, func(x iscsiOldPortal) cluster.ISCSICommand { return cluster.ISCSIDeletePortal(x) })
	out = appendCommand(out, q.CreateTarget, func(x iscsiVolume) cluster.ISCSICommand { return cluster.ISCSICreateTarget(x) })
	out = appendCommand(out, q.DeleteTarget, func(x iscsiVolume) cluster.ISCSICommand { return cluster.ISCSIDeleteTarget(x) })
	out = appendCommand(out, q.CreateInitiator, func(x iscsiNewInitiator) cluster.ISCSICommand {
		return cluster.ISCSICreateInitiator(x)
	})
	out = appendCommand(out, q.DeleteInitiator, func(x iscsiNamed) cluster.ISCSICommand { return cluster.ISCSIDeleteInitiator(x) })
	out = appendCommand(out, q.InitiatorAddNetwork, func(x iscsiInitiatorNet) cluster.ISCSICommand {
		return cluster.ISCSIInitiatorAddNetwork(x)
	})
	out = appendCommand(out, q.Export, func(x iscsiExported) cluster.ISCSICommand { return cluster.ISCSIExport(x) })
	return appendCommand(out, q.ExportDelete, func(x iscsiExported) cluster.ISCSICommand { return cluster.ISCSIExportDelete(x) })
}

func appendCommand[T any](to []cluster.ISCSICommand, x *T, as func(T) cluster.ISCSICommand) []cluster.ISCSICommand {
	if x == nil {
		return to
	}
	return append(to, as(*x))
}

type iscsiChangeArguments struct {
	Commands []iscsiCommand `sp:"commands"`
}

// iscsiConfigChange applies the commands in order, all or none.
func iscsiConfigChange(_ context.Context, c *cluster.Cluster, q iscsiChangeArguments) (apiOK, error) {
	commands := make([]cluster.ISCSICommand, len(q.Commands))
	for i, one := range q.Commands {
		all := one.all()
		if len(all) != 1 {
			return apiOK{}, invalid("Invalid value of 'commands.%d': %d commands instead of one", i, len(all))
		}
		commands[i] = all[0]
	}
	return ok(c, c.ISCSIConfigChange(commands...))
}

// controllersArguments may be absent. Every controller answers at once, so that the timeout never ends.
type controllersArguments struct {
	Controllers []int  `sp:"controllerIds"`
	Timeout     *int64 `sp:"msecsTimeout,ignored"`
}

// What a controller says that answers, and what is said of one that does not.
const (
	controllerOK      = "ok"
	controllerTimeout = "timeout"
)

// iscsiSessionsInfo: the sessions, and an entry for each controller that does not answer.
func iscsiSessionsInfo(_ context.Context, c *cluster.Cluster, q controllersArguments) (iscsiSessions, error) {
	out := iscsiSessions{Sessions: []iscsiSession{}}
	for _, one := range c.ISCSIControllers(q.Controllers...) {
		if !one.Answers {
			out.Sessions = append(out.Sessions, iscsiSession{Controller: one.ID, Status: controllerTimeout})
		}
		for _, s := range one.Sessions {
			out.Sessions = append(out.Sessions, iscsiSession{Controller: one.ID, Status: controllerOK, iscsiLogin: loginOf(s)})
		}
	}
	return out, nil
}

// loginOf: one login and its answer went over the connection, and nothing else.
func loginOf(s cluster.ISCSISession) *iscsiLogin {
	const pdu, packets, mss, window = 512, 4, 1448, 65535
	return &iscsiLogin{
		ISID: fmt.Sprintf("%012x", s.Connection), Connection: s.Connection, Initiator: s.Initiator, Target: s.Target,
		Created: s.Created, Stats: &iscsiStats{Login: 1, LoginRsp: 1}, Tasks: &iscsiTasks{},
		TCP: &iscsiTCP{
			InitiatorIP: ipOf(s.From), InitiatorPort: int(s.From.Port()), PortalIP: ipOf(s.Portal), PortalPort: int(s.Portal.Port()),
			LocalMSS: mss, RemoteMSS: mss, RemoteWindowSize: window, WScale: 7,
			Stats: iscsiTCPStats{
				NewBytesIn: pdu, NewBytesOut: pdu, NewPacketsIn: packets, NewPacketsOut: packets,
				TotalBytesIn: pdu, TotalBytesOut: pdu, TotalPacketsIn: packets, TotalPacketsOut: packets,
			},
		},
	}
}

func ipOf(a netip.AddrPort) string { return a.Addr().String() }

// iscsiInterfacesInfo: two interfaces for each controller; all but their presence is free.
func iscsiInterfacesInfo(_ context.Context, c *cluster.Cluster, q controllersArguments) (iscsiInterfaces, error) {
	const ports = 2
	out := iscsiInterfaces{Controllers: []iscsiController{}}
	for _, one := range c.ISCSIControllers(q.Controllers...) {
		if !one.Answers {
			out.Controllers = append(out.Controllers, iscsiController{Controller: one.ID, Status: controllerTimeout})
			continue
		}
		shown := iscsiController{Controller: one.ID, Status: controllerOK}
		for port := range ports {
			name := fmt.Sprintf("sp%d", port)
			shown.Interfaces = append(shown.Interfaces, iscsiInterface{
				Name: name, ResolveName: name, Port: port, State: "up",
				MAC: fmt.Sprintf("52:54:01:%02x:%02x:%02x", one.ID>>8, one.ID&0xff, port),
			})
		}
		out.Controllers = append(out.Controllers, shown)
	}
	return out, nil
}
