package steps

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cucumber/godog"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/emulator"
	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/scenarios/check"
	"github.com/spsim/spsim/scenarios/world"
)

var (
	reObject   = expression(`^the StorPool (volume|snapshot) of "([^"]+)" has$`)
	reSafety   = expression(`^StorPool has (no|\d+) safety snapshots?$`)
	reObjects  = expression(`^StorPool has (no|\d+) (volume|snapshot)s? of "([^"]+)"$`)
	reAttached = expression(`^"([^"]+)" is attached read-write to the host of "([^"]+)" only$`)
	reNowhere  = expression(`^"([^"]+)" is attached nowhere$`)
	reOnHosts  = expression(`^"([^"]+)" is attached to (\d+) hosts?$`)
	reLoses    = expression(`^StorPool loses the (volume|snapshot|cached copy) of "([^"]+)"$`)
	reBefore   = expression(`^StorPool and the inventory are as before$`)
	reSame     = expression(`^"([^"]+)" and "([^"]+)" have the same parent$`)
)

func (s *scene) storpoolSteps(sc registrar) {
	sc.Step(reObject(), s.objectHas)
	sc.Step(reObjects(), s.objectCount)
	sc.Step(reSafety(), s.safetySnapshots)
	sc.Step(reAttached(), s.attachedToHostOf)
	sc.Step(reNowhere(), s.attachedNowhere)
	sc.Step(reOnHosts(), s.attachedTo)
	sc.Step(reLoses(), s.lose)
	sc.Step(reBefore(), s.unchanged)
	sc.Step(reSame(), s.sameParent)
}

// uuid returns the CloudStack uuid of whatever has a name: disk, snapshot, template or VM.
func (s *scene) uuid(name string) (string, error) {
	if _, ok := s.disks[name]; ok {
		v, err := s.volumeOf(name)
		return v.UUID, err
	}
	if id, ok := s.snapshots[name]; ok {
		row, err := rowOf(s, id, func(tx *inventory.Tx) *inventory.Table[inventory.Snapshot] { return tx.Snapshots })
		return row.UUID, err
	}
	if id, ok := s.templates[name]; ok {
		row, err := rowOf(s, id, func(tx *inventory.Tx) *inventory.Table[inventory.Template] { return tx.Templates })
		return row.UUID, err
	}
	if id, ok := s.vms[name]; ok {
		row, err := rowOf(s, id, func(tx *inventory.Tx) *inventory.Table[inventory.VM] { return tx.VMs })
		return row.UUID, err
	}
	return "", fmt.Errorf("the scenario knows nothing named %q", name)
}

// object returns the StorPool object that the inventory points at.
func (s *scene) object(ctx context.Context, kind, name string) (check.Object, error) {
	path := ""
	if kind == "volume" {
		v, err := s.volumeOf(name)
		if err != nil {
			return check.Object{}, err
		}
		path = v.Path
	} else {
		id, err := s.snapshot(name)
		if err != nil {
			return check.Object{}, err
		}
		path = s.detailOf(id)
	}
	return s.at(ctx, path, name)
}

// detailOf returns the device path that the details of a snapshot hold; it outlives the store records.
func (s *scene) detailOf(snapshot inventory.ID) (path string) {
	_ = s.inv().View(func(tx *inventory.Tx) error { // the function returns no error
		row, _ := tx.Snapshots.Get(snapshot)
		path, _ = tx.Details.Get(inventory.Owner{Kind: inventory.OfSnapshot, ID: snapshot}, row.UUID)
		if path == "" {
			path, _ = tx.Details.Get(inventory.Owner{Kind: inventory.OfSnapshot, ID: snapshot}, "SP_DELAY_DELETE")
			path = strings.Replace(path, "~", devByID, 1)
		}
		return nil
	})
	return path
}

const devByID = "/dev/storpool-byid/"

// at returns the object of a device path.
func (s *scene) at(ctx context.Context, path, name string) (check.Object, error) {
	gid, err := gidOf(path, name)
	if err != nil {
		return check.Object{}, err
	}
	o, err := s.observe(ctx)
	if err != nil {
		return check.Object{}, err
	}
	for _, x := range o.Objects {
		if x.GlobalID == gid {
			return x, nil
		}
	}
	return check.Object{}, fmt.Errorf("StorPool has no ~%s, which %q should be", gid, name)
}

// objects returns the StorPool objects whose tags uuid and cs say so, however they came about.
func (s *scene) objects(ctx context.Context, uuid, cs string) ([]check.Object, error) {
	o, err := s.observe(ctx)
	if err != nil {
		return nil, err
	}
	var out []check.Object
	for _, x := range o.Objects {
		if (uuid == "" || x.Tags["uuid"] == uuid) && x.Tags["cs"] == cs {
			out = append(out, x)
		}
	}
	return out, nil
}

// count reads "no" and numbers.
func count(text string) (int, error) {
	if text == "no" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("count %q: %w", text, err)
	}
	return n, nil
}

func (s *scene) objectCount(ctx context.Context, n, kind, name string) error {
	uuid, err := s.uuid(name)
	if err != nil {
		return err
	}
	return s.objectsAre(ctx, n, uuid, kind)
}

func (s *scene) safetySnapshots(ctx context.Context, n string) error {
	return s.objectsAre(ctx, n, "", "delayDelete")
}

func (s *scene) objectsAre(ctx context.Context, n, uuid, cs string) error {
	want, err := count(n)
	if err != nil {
		return err
	}
	found, err := s.objects(ctx, uuid, cs)
	if err != nil {
		return err
	}
	if len(found) != want {
		return fmt.Errorf("StorPool has %d", len(found))
	}
	return nil
}

// objectHas finds an object and compares it with a table of properties.
func (s *scene) objectHas(ctx context.Context, kind, name string, t *godog.Table) error {
	o, err := s.object(ctx, kind, name)
	if err != nil {
		return err
	}
	return s.matches(ctx, o, t)
}

// matches compares an object with a table of properties; every line that differs is in the error.
func (s *scene) matches(ctx context.Context, o check.Object, t *godog.Table) error {
	lines, err := pairs(t)
	if err != nil {
		return err
	}
	var errs []error
	for _, p := range lines {
		want, err := s.meant(ctx, p.value)
		if err != nil {
			return err
		}
		got, err := s.property(o, p.key)
		if err != nil {
			return err
		}
		if got != want {
			errs = append(errs, fmt.Errorf("%s is %s, not %s", p.key, got, want))
		}
	}
	return errors.Join(errs...)
}

// property returns a property of an object in the words of the tables.
func (s *scene) property(o check.Object, key string) (string, error) {
	switch key {
	case "name":
		return s.nameOnStorPool(o)
	case "size":
		return inWords(o.Size), nil
	case "template":
		return o.Template, nil
	case "iops":
		return limitInWords(o.IOPS), nil
	case "parent":
		return orNone(o.Parent), nil
	case "uuid", "cvm", "vc-policy", "qc", "cs", "disk":
		return orNone(o.Tags[key]), nil
	}
	return "", fmt.Errorf("no property %q", key)
}

// nameOnStorPool is what only the emulator tells without a call.
func (s *scene) nameOnStorPool(o check.Object) (string, error) {
	if t, ok := s.w.Target.(interface {
		NameOf(gid string, snapshot bool) (string, error)
	}); ok {
		name, err := t.NameOf(o.GlobalID, o.Snapshot)
		return anonymous(name), err
	}
	e, ok := s.w.Target.(interface{ Server() *emulator.Server })
	if !ok {
		return "", cannotTell("the name of an object is not observed on this target")
	}
	lookup := e.Server().Cluster().Volume
	if o.Snapshot {
		lookup = e.Server().Cluster().Snapshot
	}
	x, err := lookup(cluster.Ref("~" + o.GlobalID))
	if err != nil {
		return "", err
	}
	return anonymous(x.Name), nil
}

// anonymous puts a word in the place of a name that is an id.
func anonymous(name string) string {
	if strings.HasPrefix(name, "~") {
		return "anonymous"
	}
	return name
}

func limitInWords(n int64) string {
	if n == 0 {
		return "unlimited"
	}
	return strconv.FormatInt(n, 10)
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

// meant resolves values that name something of the scenario: of "data", slot of "data", the snapshot "snap",
// the cached copy of "debian".
func (s *scene) meant(ctx context.Context, value string) (string, error) {
	if name, ok := quoted(value, "of "); ok {
		return s.uuid(name)
	}
	if name, ok := quoted(value, "slot of "); ok {
		v, err := s.volumeOf(name)
		return strconv.Itoa(v.DeviceID), err
	}
	if name, ok := quoted(value, "the snapshot "); ok {
		o, err := s.object(ctx, "snapshot", name)
		if err != nil {
			return "", err
		}
		return "~" + o.GlobalID, nil
	}
	if name, ok := quoted(value, "the cached copy of "); ok {
		o, err := s.cachedCopy(ctx, name)
		if err != nil {
			return "", err
		}
		return "~" + o.GlobalID, nil
	}
	return value, nil
}

func quoted(value, before string) (string, bool) {
	rest, ok := strings.CutPrefix(value, before)
	if !ok || len(rest) < 2 || rest[0] != '"' || rest[len(rest)-1] != '"' {
		return "", false
	}
	return rest[1 : len(rest)-1], true
}

// cachedCopy returns the snapshot that the inventory records as a template's copy on the pool.
func (s *scene) cachedCopy(ctx context.Context, template string) (check.Object, error) {
	id, err := s.template(template)
	if err != nil {
		return check.Object{}, err
	}
	path := ""
	_ = s.inv().View(func(tx *inventory.Tx) error { // the function returns no error
		row, _ := tx.TemplatePools.Find(func(r inventory.TemplatePool) bool { return r.Template == id })
		path = row.LocalPath
		return nil
	})
	return s.at(ctx, path, template)
}

func (s *scene) attachments(ctx context.Context, disk string) ([]check.Attachment, error) {
	v, err := s.volumeOf(disk)
	if err != nil {
		return nil, err
	}
	o, err := s.observe(ctx)
	if err != nil {
		return nil, err
	}
	var out []check.Attachment
	for _, a := range o.Attachments {
		if a.GlobalID == world.GlobalID(v.Path) {
			out = append(out, a)
		}
	}
	return out, nil
}

func (s *scene) attachedToHostOf(ctx context.Context, disk, vm string) error {
	all, err := s.attachments(ctx, disk)
	if err != nil {
		return err
	}
	h, err := s.hostOf(vm)
	if err != nil {
		return err
	}
	if len(all) != 1 || strconv.Itoa(all[0].Client) != h.Parent || !all[0].ReadWrite {
		return fmt.Errorf("its attachments are: %s; the host of %q is client %s", inWordsOf(all), vm, h.Parent)
	}
	return nil
}

func inWordsOf(all []check.Attachment) string {
	if len(all) == 0 {
		return "none"
	}
	var out []string
	for _, a := range all {
		rights := "read-only"
		if a.ReadWrite {
			rights = "read-write"
		}
		out = append(out, fmt.Sprintf("%s on client %d", rights, a.Client))
	}
	return strings.Join(out, ", ")
}

func (s *scene) attachedNowhere(ctx context.Context, disk string) error {
	return s.attachedTo(ctx, disk, "0")
}

func (s *scene) attachedTo(ctx context.Context, disk, n string) error {
	all, err := s.attachments(ctx, disk)
	if err != nil {
		return err
	}
	if strconv.Itoa(len(all)) != n {
		return fmt.Errorf("its attachments are: %s", inWordsOf(all))
	}
	return nil
}

// lose removes an object on StorPool behind everybody's back.
func (s *scene) lose(ctx context.Context, kind, name string) error {
	var o check.Object
	var err error
	if kind == "cached copy" {
		o, err = s.cachedCopy(ctx, name)
	} else {
		o, err = s.object(ctx, kind, name)
	}
	if err != nil {
		return err
	}
	switch kind {
	case "volume":
		delete(s.written, name)
	case "snapshot":
		s.lost[name] = true
	}
	return s.perform(ctx, func(ctx context.Context) error { return s.w.Lose(ctx, o.GlobalID, o.Snapshot) })
}

func (s *scene) sameParent(ctx context.Context, a, b string) error {
	x, err := s.object(ctx, "volume", a)
	if err != nil {
		return err
	}
	y, err := s.object(ctx, "volume", b)
	if err != nil {
		return err
	}
	if x.Parent == "" || x.Parent != y.Parent {
		return fmt.Errorf("the parents are %s and %s", orNone(x.Parent), orNone(y.Parent))
	}
	return nil
}
