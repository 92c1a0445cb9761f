package steps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spsim/spsim/agentsim"
	"github.com/spsim/spsim/agentsim/secondary"
	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/internal/clock"
)

var (
	reJoin      = expression(`^another host joins` + outcome)
	reReconnect = expression(`^host (\d+) connects again` + outcome)
	reMembers   = expression(`^the pool "([^"]+)" has the hosts ([\d, and]+)$`)
	reRecordCl  = expression(`^host (\d+) is on record with the StorPool client (\d+)$`)
	reClientIs  = expression(`^the inventory names the StorPool client (\d+) for host (\d+)$`)
	reForgotten = expression(`^host (\d+) is on record with the path "([^"]*)" in the pool "([^"]+)"$`)
	rePathIs    = expression(`^host (\d+) is no longer on record with the path "([^"]*)" in the pool "([^"]+)"$`)
	reClusterOn = expression(`^the hosts are on record in the StorPool cluster "([^"]+)"$`)
	reClusterIs = expression(`^the hosts are still on record in the StorPool cluster "([^"]+)"$`)
	reSettingIs = expression(`^the setting "([^"]+)" of the pool "([^"]+)" now is (not )?"([^"]*)"$`)
	reCheckAt   = expression(`^the check volumes are attached nowhere$`)
	reBeat      = expression(`^the heartbeats of the hosts run` + outcome)
	reReboots   = expression(`^(no|the|another) host(?: than that)?(?: of "([^"]+)")? has rebooted$`)
	reClient    = expression(`^StorPool counts the client of (the|another) host(?: than that)? of "([^"]+)" as (down|running)$`)
	reMark      = expression(`^CloudStack marks host (\d+) as (Up|Down|Disabled|Maintenance)$`)
	reTwice     = expression(`^host (\d+) backs up the snapshot "([^"]+)" (twice, |in )(\d+ \w+)(?: apart)?` + outcome)
	reNoPart    = expression(`^that backup left no file$`)
	reAnswered  = expression(`^the host answered the size (\d+ \w+)$`)
	reDrop      = expression(`^the host of "([^"]+)" connects "([^"]+)" and disconnects it by its description` + outcome)
	reApart     = expression(`^the hosts 1 and 2 are in clusters of their own$`)
	reSpeed     = expression(`^the hosts copy (\d+ \w+) a second$`)
	reNothing   = expression(`^host (\d+) was sent nothing meanwhile$`)
	reNoAttach  = expression(`^the hosts asked StorPool to attach nothing meanwhile$`)
	reFailOver  = expression(`^CloudStack restarts the VM "([^"]+)" elsewhere` + outcome)
)

func (s *scene) hostSteps(sc registrar) {
	sc.Step(reJoin(), s.join)
	sc.Step(reReconnect(), s.reconnect)
	sc.Step(reMembers(), s.members)
	sc.Step(reRecordCl(), s.recordClient)
	sc.Step(reClientIs(), s.clientIs)
	sc.Step(reForgotten(), s.recordPath)
	sc.Step(rePathIs(), s.pathIsNot)
	sc.Step(reClusterOn(), s.recordCluster)
	sc.Step(reClusterIs(), s.clusterIs)
	sc.Step(reSettingIs(), s.settingIs)
	sc.Step(reCheckAt(), s.checkNowhere)
	sc.Step(reBeat(), s.beat)
	sc.Step(reReboots(), s.rebooted)
	sc.Step(reClient(), s.countClient)
	sc.Step(reMark(), s.mark)
	sc.Step(reTwice(), s.backUpByHand)
	sc.Step(reNoPart(), s.noPart)
	sc.Step(reAnswered(), s.answeredSize)
	sc.Step(reDrop(), s.disconnectByDescription)
	sc.Step(reFailOver(), s.failOver)
	sc.Step(reApart(), s.partHosts)
	sc.Step(reSpeed(), s.slowDown)
	sc.Step(reNothing(), s.sentNothing)
	sc.Step(reNoAttach(), s.attachedNothing)
}

func (s *scene) join(ctx context.Context, outcome string) error {
	return s.act(ctx, outcome, func(ctx context.Context) error {
		_, err := s.w.AddHost(ctx, s.w.Clusters[0].ID)
		return err
	})
}

func (s *scene) reconnect(ctx context.Context, host, outcome string) error {
	h, err := s.hostRow(host)
	if err != nil {
		return err
	}
	return s.act(ctx, outcome, func(ctx context.Context) error {
		if err := s.m().SetHostState(ctx, h.ID, inventory.HostDown); err != nil {
			return err
		}
		return s.m().SetHostState(ctx, h.ID, inventory.HostUp)
	})
}

func (s *scene) members(pool, hosts string) error {
	id, err := s.pool(pool)
	if err != nil {
		return err
	}
	var got []string
	_ = s.inv().View(func(tx *inventory.Tx) error { // the function returns no error
		for _, ref := range tx.PoolHosts.All(func(r inventory.PoolHost) bool { return r.Pool == id }) {
			at := slices.IndexFunc(s.w.Hosts, func(h inventory.Host) bool { return h.ID == ref.Host })
			got = append(got, strconv.Itoa(at+1))
		}
		return nil
	})
	slices.Sort(got)
	want := strings.FieldsFunc(hosts, func(r rune) bool { return r < '0' || r > '9' })
	if !slices.Equal(got, want) {
		return fmt.Errorf("it has the hosts %s", strings.Join(got, ", "))
	}
	return nil
}

func (s *scene) recordClient(host, client string) error {
	h, err := s.hostRow(host)
	if err != nil {
		return err
	}
	return s.inv().Update(func(tx *inventory.Tx) error {
		return tx.Hosts.Change(h.ID, func(h *inventory.Host) { h.Parent = client })
	})
}

func (s *scene) clientIs(client, host string) error {
	h, err := s.hostRow(host)
	if err != nil {
		return err
	}
	row, err := rowOf(s, h.ID, func(tx *inventory.Tx) *inventory.Table[inventory.Host] { return tx.Hosts })
	if err != nil {
		return err
	}
	if row.Parent != client {
		return fmt.Errorf("it names the client %q", row.Parent)
	}
	return nil
}

// link returns the record of a host in a pool.
func (s *scene) link(host, pool string) (ref inventory.PoolHost, err error) {
	h, err := s.hostRow(host)
	if err != nil {
		return ref, err
	}
	id, err := s.pool(pool)
	if err != nil {
		return ref, err
	}
	err = s.inv().View(func(tx *inventory.Tx) error {
		found := false
		ref, found = tx.PoolHosts.Find(func(r inventory.PoolHost) bool { return r.Pool == id && r.Host == h.ID })
		if !found {
			return fmt.Errorf("host %s is not in the pool", host)
		}
		return nil
	})
	return ref, err
}

func (s *scene) recordPath(host, path, pool string) error {
	ref, err := s.link(host, pool)
	if err != nil {
		return err
	}
	ref.LocalPath = path
	return s.inv().Update(func(tx *inventory.Tx) error {
		tx.PoolHosts.Put(ref)
		return nil
	})
}

func (s *scene) pathIsNot(host, path, pool string) error {
	ref, err := s.link(host, pool)
	if err == nil && ref.LocalPath == path {
		err = errors.New("it is")
	}
	return err
}

// clusterSetting names the StorPool cluster behind a CloudStack cluster.
const clusterSetting = "sp.cluster.id"

func (s *scene) recordCluster(id string) error {
	return s.m().SetSetting(inventory.Owner{Kind: inventory.OfCluster, ID: s.w.Clusters[0].ID}, clusterSetting, id)
}

func (s *scene) clusterIs(id string) error {
	got := ""
	_ = s.inv().View(func(tx *inventory.Tx) error { // the function returns no error
		got, _ = tx.Details.Get(inventory.Owner{Kind: inventory.OfCluster, ID: s.w.Clusters[0].ID}, clusterSetting)
		return nil
	})
	if got != id {
		return fmt.Errorf("they are on record in %q", got)
	}
	return nil
}

func (s *scene) settingIs(key, pool, not, want string) error {
	id, err := s.pool(pool)
	if err != nil {
		return err
	}
	got := ""
	_ = s.inv().View(func(tx *inventory.Tx) error { // the function returns no error
		got, _ = tx.Details.Get(inventory.Owner{Kind: inventory.OfPool, ID: id}, key)
		return nil
	})
	if (got == want) == (not != "") {
		return fmt.Errorf("it is %q", got)
	}
	return nil
}

func (s *scene) checkNowhere(ctx context.Context) error {
	o, err := s.observe(ctx)
	if err != nil {
		return err
	}
	for _, x := range o.Objects {
		if x.Tags["cs"] != "check-volume-is-on-host" {
			continue
		}
		for _, a := range o.Attachments {
			if a.GlobalID == x.GlobalID {
				return fmt.Errorf("~%s is attached to client %d", x.GlobalID, a.Client)
			}
		}
	}
	return nil
}

// beat runs one round of the heartbeat loop on every host.
func (s *scene) beat(ctx context.Context, outcome string) error {
	return s.act(ctx, outcome, func(ctx context.Context) error {
		hosts := s.w.Fleet.Hosts()
		errs := make([]error, len(hosts))
		rounds := make([]func(), len(hosts))
		for i, h := range hosts {
			rounds[i] = func() { _, errs[i] = h.Heartbeat(ctx) }
		}
		clock.Gather(s.w.Clock, rounds...) //nolint:contextcheck // each round ends with ctx
		return errors.Join(errs...)
	})
}

// which returns the number of the host of a VM, or of the first other host; 0 for no host.
func (s *scene) which(word, vm string) (int, error) {
	if word == "no" {
		return 0, nil
	}
	h, err := s.hostOf(vm)
	if err != nil {
		return 0, err
	}
	for i, other := range s.w.Hosts {
		if (other.ID == h.ID) == (word == "the") {
			return i + 1, nil
		}
	}
	return 0, errors.New("there is no other host")
}

func (s *scene) rebooted(word, vm string) error {
	which, err := s.which(word, vm)
	if err != nil {
		return err
	}
	for i, h := range s.w.Fleet.Hosts() {
		want := 0
		if i+1 == which {
			want = 1
		}
		if got := h.Reboots(); got != want {
			return fmt.Errorf("host %d has rebooted %d times", i+1, got)
		}
	}
	return nil
}

func (s *scene) countClient(word, vm, how string) error {
	n, err := s.which(word, vm)
	if err != nil {
		return err
	}
	e, err := s.emulator()
	if err != nil {
		return err
	}
	if err := e.Cluster().SetClientDown(n, how == "down"); err != nil {
		return fmt.Errorf("client of host %d: %w", n, err)
	}
	return nil
}

func (s *scene) mark(ctx context.Context, host, state string) error {
	h, err := s.hostRow(host)
	if err != nil {
		return err
	}
	return s.perform(ctx, func(ctx context.Context) error {
		return s.m().SetHostState(ctx, h.ID, inventory.HostState(state))
	})
}

// answeredSize looks at what a host said to the last resize.
func (s *scene) answeredSize(bytes string) error {
	n, err := size(bytes)
	if err != nil {
		return err
	}
	for _, e := range slices.Backward(s.w.Journal()) {
		if e.Call != "agent ResizeVolume" {
			continue
		}
		if !strings.Contains(e.Answer, fmt.Sprintf("{Size:%d ", n)) {
			return fmt.Errorf("it answered %s", e.Answer)
		}
		return nil
	}
	return errors.New("no host was told to resize")
}

// backUpByHand sends a host a backup once with a time limit, or twice as two management servers may.
func (s *scene) backUpByHand(ctx context.Context, host, snapshot, how, span, outcome string) error {
	d, err := duration(span)
	if err != nil {
		return err
	}
	h, err := s.hostRow(host)
	if err != nil {
		return err
	}
	cmd, err := s.backupCommand(snapshot)
	if err != nil {
		return err
	}
	if how == "in " {
		cmd.Wait = d
		return s.act(ctx, outcome, func(ctx context.Context) error { return s.tell(ctx, h, cmd) })
	}
	return s.act(ctx, outcome, func(ctx context.Context) error {
		second := cmd
		second.Dest.Name += "-2"
		var errs [2]error
		clock.Gather(s.w.Clock, //nolint:contextcheck // both end with ctx
			func() { errs[0] = s.tell(ctx, h, cmd) },
			func() {
				if errs[1] = s.w.Clock.Sleep(ctx, d); errs[1] == nil {
					errs[1] = s.tell(ctx, h, second)
				}
			})
		return errors.Join(errs[:]...)
	})
}

// tell has a host execute a command; only a positive answer is success.
func (s *scene) tell(ctx context.Context, h inventory.Host, cmd agentapi.Command) error {
	answer, err := s.w.Fleet.Send(ctx, h.UUID, cmd)
	switch {
	case err != nil:
		return err
	case answer == nil:
		return errors.New("no answer")
	case !answer.OK:
		return errors.New(answer.Details)
	}
	return nil
}

// noPart looks into the folder of backups that no record names.
func (s *scene) noPart() error {
	all, err := secondary.New(s.w.Folder())
	if err != nil {
		return err
	}
	dir, err := all.Open(elsewhereURL)
	if err != nil {
		return err
	}
	files, err := dir.Files()
	if err := errors.Join(err, dir.Close()); err != nil {
		return err
	}
	for _, f := range files {
		return fmt.Errorf("there is %s of %d bytes", f.Name, f.Size)
	}
	return nil
}

// elsewhereURL is an export that CloudStack does not know.
const elsewhereURL = "nfs://nfs.test/export/elsewhere"

// backupCommand is what the driver sends a host for a backup, into a folder that no record names.
func (s *scene) backupCommand(snapshot string) (cmd agentapi.BackupSnapshot, err error) {
	id, err := s.snapshot(snapshot)
	if err != nil {
		return cmd, err
	}
	row, err := rowOf(s, id, func(tx *inventory.Tx) *inventory.Table[inventory.Snapshot] { return tx.Snapshots })
	if err != nil {
		return cmd, err
	}
	store := &agentapi.Store{UUID: s.w.Store.UUID, URL: elsewhereURL}
	all, err := secondary.New(s.w.Folder())
	if err != nil {
		return cmd, err
	}
	dir, err := all.Export(store.URL)
	if err != nil {
		return cmd, err
	}
	if err := dir.Close(); err != nil {
		return cmd, err
	}
	cmd.Source = agentapi.Snapshot{
		UUID: row.UUID, Name: row.Name, Path: s.detailOf(id),
		Volume: &agentapi.Volume{Size: row.Size, Format: agentapi.QCOW2},
		Pool:   &agentapi.Pool{UUID: s.w.Pool.UUID, Type: agentapi.StorPool},
	}
	cmd.Dest = agentapi.Snapshot{UUID: row.UUID, Name: row.Name, Path: "snapshots/2/" + strconv.Itoa(int(id)), Store: store}
	return cmd, nil
}

// disconnectByDescription is the form of the call that hands over a map with the UUID and the path of a disk.
func (s *scene) disconnectByDescription(ctx context.Context, vm, disk, outcome string) error {
	row, err := s.hostOf(vm)
	if err != nil {
		return err
	}
	h, err := s.w.Fleet.Host(row.UUID)
	if err != nil {
		return err
	}
	v, err := s.volumeOf(disk)
	if err != nil {
		return err
	}
	return s.act(ctx, outcome, func(ctx context.Context) error {
		if _, err := h.Adaptor().ConnectPhysicalDisk(ctx, v.Path); err != nil {
			return err
		}
		done, err := h.Adaptor().DisconnectPhysicalDiskOf(ctx, agentsim.DiskDetails{UUID: v.UUID, Path: v.Path})
		if err == nil && !done {
			err = errors.New("the host says that it is none of its disks")
		}
		return err
	})
}

func (s *scene) failOver(ctx context.Context, vm, outcome string) error {
	id, err := s.vm(vm)
	if err != nil {
		return err
	}
	return s.act(ctx, outcome, func(ctx context.Context) error {
		_, err := s.m().FailOver(ctx, id, 0)
		return err
	})
}

// partHosts moves host 2 into a cluster of its own, over the same StorPool cluster.
func (s *scene) partHosts() error {
	c, err := s.m().AddCluster(s.zone, "apart")
	if err != nil {
		return err
	}
	err = s.inv().Update(func(tx *inventory.Tx) error {
		return tx.Hosts.Change(s.w.Hosts[1].ID, func(h *inventory.Host) { h.Cluster = c.ID })
	})
	if err != nil {
		return err
	}
	return s.m().SetSetting(inventory.Owner{Kind: inventory.OfCluster, ID: c.ID}, clusterSetting, s.w.Target.ClusterID())
}

func (s *scene) slowDown(bytes string) error {
	n, err := size(bytes)
	if err != nil {
		return err
	}
	for _, h := range s.w.Fleet.Hosts() {
		h.SetThroughput(n)
	}
	return nil
}

// sentNothing looks at the commands during the last action.
func (s *scene) sentNothing(host string) error {
	h, err := s.hostRow(host)
	if err != nil {
		return err
	}
	for _, e := range s.w.Journal()[s.journal:] {
		if strings.HasPrefix(e.Call, "agent ") && e.Object == h.Name {
			return fmt.Errorf("it was sent %s", e.Call)
		}
	}
	return nil
}

// attachedNothing looks at the calls of hosts during the last action.
func (s *scene) attachedNothing() error {
	for _, e := range s.w.Journal()[s.journal:] {
		if e.Caller != "management" && strings.Contains(e.Call, "Reassign") {
			return fmt.Errorf("%s asked for %s %s", e.Caller, e.Call, e.Request)
		}
	}
	return nil
}
