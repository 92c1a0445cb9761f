package story

import (
	"fmt"

	"pgregory.net/rapid"

	"github.com/spsim/spsim/scenarios/steps"
)

func vmActions() []Action { //nolint:funlen // a table
	running := func(_ string, on bool) bool { return on }
	return []Action{
		{"deploy from the ISO", []string{"01"}, func(_ *rapid.T, m *model) *move {
			if len(m.vms) >= 3 {
				return nil
			}
			name := m.name("vm")
			return one(`the VM "%s" is deployed from the ISO`, name).then(func(m *model) { m.deployed(name) }).leaving(m.halfDeployed(name)...)
		}},
		{"deploy from a template", []string{"02"}, func(t *rapid.T, m *model) *move {
			x := pick(t, "template", m.templates, func(string, bool) bool { return true })
			if x == "" || len(m.vms) >= 3 {
				return nil
			}
			name := m.name("vm")
			return one(`the VM "%s" is deployed from the template "%s"`, name, x).then(func(m *model) {
				m.deployed(name)
				m.resized(name + "-root")
			}).holding(name+"-root", steps.OfTemplate, x).leaving(m.halfDeployed(name)...)
		}},
		{"stop", nil, func(t *rapid.T, m *model) *move {
			x := pick(t, "vm", m.vms, running)
			if x == "" {
				return nil
			}
			return one(`the VM "%s" is stopped`, x).then(func(m *model) { m.vms[x] = false })
		}},
		{"start", nil, func(t *rapid.T, m *model) *move {
			x := pick(t, "vm", m.vms, func(_ string, on bool) bool { return !on })
			if x == "" {
				return nil
			}
			return one(`the VM "%s" is started`, x).then(func(m *model) {
				m.vms[x] = true
				m.placed(x)
			}).leaving(func(m *model) { m.placed(x) })
		}},
		{"migrate a VM", []string{"06"}, func(t *rapid.T, m *model) *move {
			x := pick(t, "vm", m.vms, running)
			if x == "" {
				return nil
			}
			return one(`the VM "%s" is migrated to another host`, x)
		}},
		{"expunge a VM", []string{"07"}, func(t *rapid.T, m *model) *move {
			x := pick(t, "vm", m.vms, func(name string, _ bool) bool { return !m.grouped(name) })
			if x == "" {
				return nil
			}
			return one(`the VM "%s" is expunged`, x).then(func(m *model) { m.expunged(x) }).smoothly()
		}},
		{"restart a VM of a dead host", []string{"27"}, func(t *rapid.T, m *model) *move {
			x := pick(t, "vm", m.vms, running)
			if x == "" || countOf(m.vms) > 1 {
				return nil
			}
			return &move{
				texts: []string{
					fmt.Sprintf(`the host of "%s" is switched off`, x), fmt.Sprintf(`CloudStack restarts the VM "%s" elsewhere`, x),
					"every host is well again",
				},
				after: func(*model) {}, smooth: true,
			}
		}},
		{"take a VM snapshot", []string{"19"}, func(t *rapid.T, m *model) *move {
			x := pick(t, "vm", m.vms, func(name string, on bool) bool { return on && m.whole(name) })
			if x == "" || len(m.groups) >= 3 {
				return nil
			}
			name := m.name("group")
			return one(`the VM snapshot "%s" of "%s" is taken`, name, x).then(func(m *model) { m.groups[name] = group{vm: x} }).
				leaving(func(m *model) { m.groups[name] = group{x, true} })
		}},
		{"revert to a VM snapshot", []string{"20"}, func(t *rapid.T, m *model) *move {
			g := pick(t, "VM snapshot", m.groups, func(_ string, g group) bool { return !g.useless && !m.vms[g.vm] })
			if g == "" {
				return nil
			}
			return one(`the VM "%s" is reverted to the VM snapshot "%s"`, m.groups[g].vm, g).holding("", steps.OfVMSnapshot, g)
		}},
		{"delete a VM snapshot", []string{"21"}, func(t *rapid.T, m *model) *move {
			g := pick(t, "VM snapshot", m.groups, func(string, group) bool { return true })
			if g == "" {
				return nil
			}
			return one(`the VM snapshot "%s" is deleted`, g).then(func(m *model) { delete(m.groups, g) }).
				leaving(func(m *model) { m.groups[g] = group{m.groups[g].vm, true} })
		}},
		{"set a policy", []string{"22"}, func(t *rapid.T, m *model) *move {
			x := pick(t, "vm", m.vms, func(name string, _ bool) bool { return !m.tagged[name] })
			if x == "" {
				return nil
			}
			return one(`the VM "%s" gets the tag "vc-policy" of "nightly"`, x).then(func(m *model) { m.tagged[x] = true }).smoothly()
		}},
		{"take a policy away", []string{"23"}, func(t *rapid.T, m *model) *move {
			x := pick(t, "vm", m.tagged, func(name string, on bool) bool { _, there := m.vms[name]; return on && there })
			if x == "" {
				return nil
			}
			return one(`the VM "%s" loses the tag "vc-policy"`, x).then(func(m *model) { delete(m.tagged, x) }).smoothly()
		}},
	}
}

func otherActions() []Action {
	return []Action{
		{"remove a pool that was added", []string{"25"}, func(_ *rapid.T, m *model) *move {
			name := m.name("pool")
			return &move{texts: []string{
				fmt.Sprintf(`the pool "%s" is created with the URL "storpool://{token}@{host}:{port}/hybrid"`, name), fmt.Sprintf(`the pool "%s" goes into maintenance`, name), fmt.Sprintf(`the pool "%s" is deleted`, name),
			}, after: func(*model) {}, smooth: true}
		}},
		{"connect a host again", []string{"26"}, func(t *rapid.T, _ *model) *move {
			return one("host %d connects again", rapid.IntRange(1, 3).Draw(t, "host")).smoothly()
		}},
		{"a look at the statistics", []string{"29"}, func(*rapid.T, *model) *move { return one("the statistics are collected").smoothly() }},
		{"collect garbage", nil, func(*rapid.T, *model) *move { return one("CloudStack collects garbage") }},
		{"look for expired safety snapshots", nil, func(*rapid.T, *model) *move {
			return one("the driver looks for expired safety snapshots").smoothly()
		}},
		{"let time pass", nil, func(t *rapid.T, _ *model) *move {
			return one("%s pass", rapid.SampledFrom([]string{"2 min", "25 h"}).Draw(t, "time")).smoothly()
		}},
	}
}

func (m *model) deployed(vm string) {
	m.vms[vm] = true
	m.disks[vm+"-root"] = disk{vm: vm, mib: 1 << 10, pool: "primary", root: true}
}

// halfDeployed are the ways in which a deployment ends that the management server has died in: a VM to be started again,
// whose root disk is there or not.
func (m *model) halfDeployed(vm string) []func(*model) {
	return []func(*model){
		func(m *model) {
			m.vms[vm] = false
			m.disks[vm+"-root"] = disk{vm: vm, root: true}
		},
		func(m *model) {
			m.vms[vm] = false
			m.disks[vm+"-root"] = disk{vm: vm, pool: "primary", root: true}
		},
	}
}

// placed gives the disks of a VM that starts their room on StorPool.
func (m *model) placed(vm string) {
	for name, d := range m.disks {
		if d.vm == vm && d.pool == "" {
			d.pool = "primary"
			m.disks[name] = d
		}
	}
}

// resized leaves the size of a disk open until it is looked at: it is that of what the disk was made of.
func (m *model) resized(name string) {
	d := m.disks[name]
	d.mib = 0
	m.disks[name] = d
}

func (m *model) expunged(vm string) {
	delete(m.vms, vm)
	delete(m.tagged, vm)
	for name, d := range m.disks {
		switch {
		case d.vm == vm && d.root:
			delete(m.disks, name)
		case d.vm == vm:
			d.vm = ""
			m.disks[name] = d
		}
	}
}

// whole tells whether all disks of a VM can be in a VM snapshot.
func (m *model) whole(vm string) bool {
	for _, d := range m.disks {
		if d.vm == vm && d.pool != "primary" {
			return false
		}
	}
	return true
}

func countOf(vms map[string]bool) (n int) {
	for _, on := range vms {
		if on {
			n++
		}
	}
	return n
}
