package agentsim

import (
	"context"
	"errors"
	"strings"

	"github.com/spsim/spsim/agentsim/secondary"
	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/quirk"
)

// Quirks describes the known defects of the existing agent (agent 16).
func Quirks() []quirk.Info { return quirk.Infos(quirks()) }

func info(id, severity, source, reason string, also ...string) quirk.Info {
	return quirk.Info{ID: id, Also: also, Severity: severity, Source: "agent " + source, Reason: reason}
}

func quirks() []quirk.Quirk[rules] {
	return append(append(heartbeatQuirks(), deviceQuirks()...), append(commandQuirks(), furtherQuirks()...)...)
}

func heartbeatQuirks() []quirk.Quirk[rules] {
	return []quirk.Quirk[rules]{
		{
			Info: info("A-4", "A", "6", "a failed call to the StorPool API counts as a dead host; every host reboots in an API outage", "SUS-21"),
			Apply: func(r *rules) {
				r.heartbeatFailed = func(error) agentapi.HostState { return agentapi.HostDown }
				r.confirmDown = func(context.Context, *Host) bool { return true }
			},
		},
		{
			Info: info("A-5", "B", "6", "a missing SP_OURID or client list ends the heartbeat thread"),
			Apply: func(r *rules) {
				r.heartbeatBroken = func(err error) (agentapi.HostState, error) { return agentapi.HostDown, err }
			},
		},
	}
}

func deviceQuirks() []quirk.Quirk[rules] {
	return []quirk.Quirk[rules]{
		{
			Info: info("A-6", "B", "3.2", "no use counts: the first of two commands on one object detaches under the second"),
			Apply: func(r *rules) {
				r.detachNow = func(int) bool { return true }
			},
		},
		{
			Info: info("A-7", "A", "3.1", "a device that does not appear is ignored; the image is written to a regular file in /dev", "SUS-17"),
			Apply: func(r *rules) {
				r.appeared = func(bool, string) error { return nil }
				r.missingTarget = makeStray
			},
		},
		{
			Info:  info("A-8", "A", "9", "a failed detach in the clean-up replaces a success and leaves the mount"),
			Apply: func(r *rules) { r.cleanUp = cleanUpInOrder },
		},
		{
			Info: info("A-18", "C", "1", "a failed write to the private log fails the storage operation"),
			Apply: func(r *rules) {
				r.logFailed = func(err error) error { return err }
			},
		},
		{
			Info: info("A-23", "B", "4", "a disconnect looks at a bare UUID and never detaches"),
			Apply: func(r *rules) {
				r.pathOf = func(d DiskDetails) string { return d.UUID }
			},
		},
	}
}

func commandQuirks() []quirk.Quirk[rules] {
	return append(append(connectQuirks(), resizeQuirks()...), backupQuirks()...)
}

func connectQuirks() []quirk.Quirk[rules] {
	return []quirk.Quirk[rules]{
		{
			Info: info("A-12", "B", "9.1", "a location is matched by a substring of the cluster id"),
			Apply: func(r *rules) {
				r.isLocation = func(location, clusterID string) bool { return strings.Contains(clusterID, location) }
			},
		},
		{
			Info: info("A-13a", "C", "3.7", "values with an equals sign in them are dropped from the configuration"),
			Apply: func(r *rules) {
				r.confLine = func(line string) (string, string, bool) {
					k, v, ok := strings.Cut(line, "=")
					return k, v, ok && v != "" && !strings.Contains(v, "=")
				}
			},
		},
		{
			Info: info("A-13b", "C", "9.1", "a location list that cannot be read fails the connect with an exception"),
			Apply: func(r *rules) {
				r.locationFailed = func(err error) error { return err }
			},
		},
		{
			Info: info("A-14", "B", "4", "pools are forgotten when the agent restarts; commands fail until the next connect"),
			Apply: func(r *rules) {
				r.unknownPool = func(*Host, agentapi.Pool) error {
					return errors.New("java.lang.NullPointerException")
				}
			},
		},
		{
			Info: info("A-15", "C", "9.1", "the check volume is not waited for and stays attached on every host for ever"),
			Apply: func(r *rules) {
				r.probe = probeForEver
			},
		},
	}
}

func resizeQuirks() []quirk.Quirk[rules] {
	return []quirk.Quirk[rules]{
		{
			Info: info("A-10a", "B", "9.7", "a resize of which the guest was not told answers that it was"),
			Apply: func(r *rules) {
				r.blockResizeFailed = func(size int64, _ error) *agentapi.Answer {
					return succeeded(agentapi.Resized{Size: size, GuestNotified: true})
				}
			},
		},
		{
			Info: info("A-10b", "B", "9.7", "a resize whose script failed answers success with size 0"),
			Apply: func(r *rules) {
				r.scriptFailed = func(int64, error) *agentapi.Answer {
					ans := succeeded(agentapi.Resized{})
					ans.Details = "reboot needed"
					return ans
				}
			},
		},
	}
}

func backupQuirks() []quirk.Quirk[rules] {
	return []quirk.Quirk[rules]{
		{
			Info: info("A-19", "C", "9.2", "secondary storage that is not NFS is found out after the attach"),
			Apply: func(r *rules) {
				r.checkFirst = func() bool { return false }
			},
		},
		{
			Info: info("A-20", "B", "9.2", "partial files stay on secondary storage after a failure"),
			Apply: func(r *rules) {
				next := r.output
				r.output = func() secondary.Write {
					w := next()
					w.InPlace = true
					return w
				}
			},
		},
		{
			Info: info("A-21", "A", "9.2", "a backup is reported done before it is durable"),
			Apply: func(r *rules) {
				next := r.output
				r.output = func() secondary.Write {
					w := next()
					w.Unflushed = true
					return w
				}
			},
		},
	}
}
