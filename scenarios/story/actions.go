package story

import (
	"fmt"
	"maps"
	"slices"

	"pgregory.net/rapid"

	"github.com/spsim/spsim/scenarios/steps"
)

// Action is something that a story may do next.
type Action struct {
	Name string
	Rows []string // of the action matrix, two digits each
	// draw chooses what the action is about; nil when nothing fits.
	draw func(t *rapid.T, m *model) *move
}

// move is an action on certain things.
type move struct {
	texts  []string       // steps; what may go wrong, goes wrong in the last one
	after  func(*model)   // what it changes
	holds  [3]string      // a disk, and the kind and name of what it then holds
	smooth bool           // nothing is to go wrong in it
	or     []func(*model) // what CloudStack leaves, by design, of an attempt that failed
}

func one(text string, args ...any) *move {
	return &move{texts: []string{fmt.Sprintf(text, args...)}, after: func(*model) {}}
}

func (v *move) then(after func(*model)) *move {
	v.after = after
	return v
}

// leaving adds what a failed attempt may leave by CloudStack's design.
func (v *move) leaving(after ...func(*model)) *move {
	v.or = append(v.or, after...)
	return v
}

func (v *move) holding(disk, kind, name string) *move {
	v.holds = [3]string{disk, kind, name}
	return v
}

func (v *move) smoothly() *move {
	v.smooth = true
	return v
}

// pick draws one of the names that fit; empty when none does.
func pick[V any](t *rapid.T, kind string, from map[string]V, fits func(string, V) bool) string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(from)) {
		if fits(name, from[name]) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return rapid.SampledFrom(names).Draw(t, kind)
}

const most = 6 // disks, VMs and snapshots of each kind, so that a story stays small

// Actions lists what a story may do.
func Actions() []Action {
	return slices.Concat(diskActions(), snapshotActions(), vmActions(), otherActions())
}

func diskActions() []Action { //nolint:funlen // a table
	return []Action{
		{"create a disk", []string{"03"}, func(_ *rapid.T, m *model) *move {
			if len(m.disks) >= most {
				return nil
			}
			name := m.name("disk")
			return one(`the DATA disk "%s" of 1 GiB is created`, name).then(func(m *model) { m.disks[name] = disk{mib: 1 << 10} }).smoothly()
		}},
		{"create an encrypted disk", []string{"03", "04"}, func(_ *rapid.T, m *model) *move {
			if len(m.disks) >= most || !m.vms["vm"] || m.grouped("vm") {
				return nil
			}
			name := m.name("secret")
			return one(`the encrypted DATA disk "%s", attached, with the pattern "%s"`, name, name).then(func(m *model) {
				m.disks[name] = disk{vm: "vm", mib: 1, pool: "primary", sealed: true} // its key is slow enough
			}).smoothly()
		}},
		{"attach", []string{"04"}, func(t *rapid.T, m *model) *move {
			d := pick(t, "disk", m.disks, func(_ string, d disk) bool { return d.vm == "" && !d.root && !d.far && d.pool != "files" })
			vm := pick(t, "vm", m.vms, func(name string, _ bool) bool { return !m.grouped(name) })
			if d == "" || vm == "" {
				return nil
			}
			return one(`the disk "%s" is attached to "%s"`, d, vm).then(func(m *model) {
				x := m.disks[d]
				if x.vm = vm; x.pool == "" {
					x.pool = "primary"
				}
				m.disks[d] = x
			}).leaving(func(m *model) { // it was made for its first attachment
				x := m.disks[d]
				if x.pool == "" {
					x.pool = "primary"
				}
				m.disks[d] = x
			})
		}},
		{"detach", []string{"05"}, func(t *rapid.T, m *model) *move {
			d := pick(t, "disk", m.disks, func(_ string, d disk) bool { return d.vm != "" && !d.root && !m.grouped(d.vm) })
			if d == "" {
				return nil
			}
			return one(`the disk "%s" is detached`, d).then(func(m *model) {
				x := m.disks[d]
				x.vm = ""
				m.disks[d] = x
			})
		}},
		{"write", nil, func(t *rapid.T, m *model) *move {
			d := pick(t, "disk", m.disks, func(_ string, d disk) bool { return d.pool != "" && !d.far })
			if d == "" {
				return nil
			}
			at := rapid.SampledFrom([]string{"", " at 16 MiB", " at 512 MiB"}).Draw(t, "at")
			if m.disks[d].sealed {
				at = rapid.SampledFrom([]string{"", " at 512 KiB"}).Draw(t, "place")
			}
			return one(`the pattern "%s" is written to "%s"%s`, m.name("p"), d, at).smoothly()
		}},
		{"resize", []string{"15"}, func(t *rapid.T, m *model) *move {
			d := pick(t, "disk", m.disks, func(_ string, d disk) bool {
				return d.pool != "" && d.pool != "files" && !d.far && d.mib < 3<<10 && !m.grouped(d.vm)
			})
			if d == "" {
				return nil
			}
			mib := m.disks[d].mib>>10<<10 + 1<<10
			if m.disks[d].sealed {
				mib = m.disks[d].mib + 1
			}
			return one(`the disk "%s" is resized to %d MiB`, d, mib).then(func(m *model) {
				x := m.disks[d]
				x.mib = mib
				m.disks[d] = x
			})
		}},
		{"change the offering", []string{"24"}, func(t *rapid.T, m *model) *move {
			d := pick(t, "disk", m.disks, func(_ string, d disk) bool { return d.pool == "primary" && !d.root && !d.sealed && !m.grouped(d.vm) })
			if d == "" {
				return nil
			}
			return one(`the disk "%s" is moved to the offering "%s"`, d, rapid.SampledFrom([]string{"fast", "gold"}).Draw(t, "offering"))
		}},
		{"migrate a disk", []string{"18"}, func(t *rapid.T, m *model) *move {
			d := pick(t, "disk", m.disks, func(_ string, d disk) bool {
				return (d.pool == "primary" || d.pool == "second") && !d.root && !d.far && (d.vm == "" || m.vms[d.vm]) && !m.grouped(d.vm)
			})
			if d == "" {
				return nil
			}
			x := m.disks[d]
			live := map[bool]string{true: " live"}[x.vm != ""]
			to := map[string]string{"primary": "second", "second": "primary"}[x.pool]
			return one(`the disk "%s" is migrated%s to the pool "%s"`, d, live, to).then(func(m *model) {
				x.pool = to
				m.disks[d] = x
			})
		}},
		{"migrate a disk to files and back", []string{"18"}, func(t *rapid.T, m *model) *move {
			d := pick(t, "disk", m.disks, func(name string, d disk) bool {
				return d.pool != "" && d.vm == "" && !d.root && !d.far && !d.sealed && !m.taken(name)
			})
			if d == "" {
				return nil
			}
			x := m.disks[d]
			to := "files"
			if x.pool == "files" {
				to = "primary"
			}
			return one(`the disk "%s" is migrated to the pool "%s"`, d, to).then(func(m *model) {
				x.pool = to
				m.disks[d] = x
			})
		}},
		{"delete a disk", []string{"08"}, func(t *rapid.T, m *model) *move {
			d := pick(t, "disk", m.disks, func(_ string, d disk) bool { return d.vm == "" && !d.root })
			if d == "" {
				return nil
			}
			return one(`the disk "%s" is deleted`, d).then(func(m *model) { delete(m.disks, d) })
		}},
		{"download", []string{"13"}, func(t *rapid.T, m *model) *move {
			d := pick(t, "disk", m.disks, func(_ string, d disk) bool {
				return (d.pool == "primary" || d.pool == "second") && !d.sealed && !d.far && !m.used(d)
			})
			if d == "" {
				return nil
			}
			v := one(`the disk "%s" is downloaded`, d)
			v.smooth = true
			v.texts = append(v.texts, fmt.Sprintf(`the download of "%s" expires`, d))
			return v
		}},
	}
}

func snapshotActions() []Action { //nolint:funlen // a table
	return []Action{
		{"take a snapshot", []string{"09"}, func(t *rapid.T, m *model) *move {
			if len(m.snapshots) >= most {
				return nil
			}
			d := pick(t, "disk", m.disks, func(_ string, d disk) bool {
				return (d.pool == "primary" || d.pool == "second") && !d.far && !m.grouped(d.vm)
			})
			if d == "" {
				return nil
			}
			bypass := rapid.Bool().Draw(t, "bypass") || m.disks[d].sealed
			name := m.name("snap")
			return &move{
				texts: []string{
					"the bypass of secondary storage is " + map[bool]string{true: "on", false: "off"}[bypass],
					fmt.Sprintf(`the snapshot "%s" of "%s" is taken`, name, d),
				},
				after: func(m *model) { m.snapshots[name] = d },
			}
		}},
		{"create a volume from a snapshot", []string{"10"}, func(t *rapid.T, m *model) *move {
			s := pick(t, "snapshot", m.snapshots, func(_, of string) bool { return !m.disks[of].sealed && m.disks[of].pool != "" })
			if s == "" || len(m.disks) >= most {
				return nil
			}
			name := m.name("copy")
			return one(`the volume "%s" is created from the snapshot "%s"`, name, s).then(func(m *model) {
				m.disks[name] = disk{mib: 0, pool: "primary"}
			}).holding(name, steps.OfSnapshot, s)
		}},
		{"restore in the other zone", []string{"10"}, func(t *rapid.T, m *model) *move {
			s := pick(t, "snapshot", m.snapshots, func(name, of string) bool { return m.copied[name] && !m.disks[of].sealed })
			if s == "" || len(m.disks) >= 2*most {
				return nil
			}
			name := m.name("far")
			return one(`the volume "%s" is created in the second zone from the snapshot "%s"`, name, s).then(func(m *model) {
				m.disks[name] = disk{pool: "far", far: true}
			}).smoothly()
		}},
		{"revert", []string{"14"}, func(t *rapid.T, m *model) *move {
			s := pick(t, "snapshot", m.snapshots, func(_, of string) bool {
				d, ok := m.disks[of]
				return ok && !m.used(d) && !m.grouped(d.vm) && d.pool == "primary"
			})
			if s == "" {
				return nil
			}
			d := m.snapshots[s]
			return one(`the disk "%s" is reverted to the snapshot "%s"`, d, s).then(func(m *model) {
				x := m.disks[d]
				x.mib = 0 // that of the snapshot
				m.disks[d] = x
			}).holding(d, steps.OfSnapshot, s)
		}},
		{"delete a snapshot", []string{"16"}, func(t *rapid.T, m *model) *move {
			s := pick(t, "snapshot", m.snapshots, func(string, string) bool { return true })
			if s == "" {
				return nil
			}
			return one(`the snapshot "%s" is deleted`, s).then(func(m *model) { delete(m.snapshots, s) })
		}},
		{"make a template of a disk", []string{"11"}, func(t *rapid.T, m *model) *move {
			d := pick(t, "disk", m.disks, func(_ string, d disk) bool {
				return d.pool == "primary" && !d.sealed && !d.far && !m.used(d)
			})
			if d == "" || len(m.templates) >= most {
				return nil
			}
			name := m.name("baked")
			return one(`the template "%s" is made from the disk "%s"`, name, d).then(func(m *model) { m.templates[name] = true })
		}},
		{"make a template of a snapshot", []string{"12"}, func(t *rapid.T, m *model) *move {
			s := pick(t, "snapshot", m.snapshots, func(_, of string) bool { return !m.disks[of].sealed && m.disks[of].pool != "" })
			if s == "" || len(m.templates) >= most {
				return nil
			}
			name := m.name("baked")
			return one(`the template "%s" is made from the snapshot "%s"`, name, s).then(func(m *model) { m.templates[name] = true })
		}},
		{"delete a template", []string{"17"}, func(t *rapid.T, m *model) *move {
			x := pick(t, "template", m.templates, func(name string, _ bool) bool { return name != "debian" })
			if x == "" {
				return nil
			}
			return one(`the template "%s" is deleted`, x).then(func(m *model) { delete(m.templates, x) })
		}},
		{"copy a snapshot to the other zone", []string{"28"}, func(t *rapid.T, m *model) *move {
			s := pick(t, "snapshot", m.snapshots, func(name, of string) bool {
				return !m.copied[name] && !m.disks[of].sealed && m.disks[of].pool != ""
			})
			if s == "" {
				return nil
			}
			return &move{texts: []string{
				fmt.Sprintf(`the snapshot "%s" is copied to the pool "far"`, s), "2 min pass", "the driver ends the exports of what has arrived",
			}, after: func(m *model) { m.copied[s] = true }, smooth: true}
		}},
	}
}
