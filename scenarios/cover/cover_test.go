package cover

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTheCellsOfAScenarioFollowFromItsSteps(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		tags  []string
		steps []string
		want  []string
	}{
		"the disk of a snapshot, as it was when the snapshot was deleted": {
			[]string{"@row-09", "@row-16"},
			[]string{
				`the encrypted ROOT disk "disk", attached, with the pattern "x"`, `the bypass of secondary storage is on`,
				`the snapshot "snap" of "disk" is taken`, `the VM "vm" is stopped`, `the snapshot "snap" is deleted`,
			},
			[]string{
				"09 ROOT attached encrypted, bypass on, one cluster",
				"16 ROOT detached encrypted, bypass on, one cluster",
			},
		},
		"all disks of a VM, in two clusters": {
			[]string{"@row-19"},
			[]string{
				`a zone with 2 hosts and the StorPool pool "primary", with a second StorPool cluster beside it`,
				`the running VM "web" with the DATA disk "data"`, `the VM snapshot "group" of "web" is taken`,
			},
			[]string{
				"19 ROOT attached plain, bypass off, two clusters",
				"19 DATA attached plain, bypass off, two clusters",
			},
		},
		"a stop that fails stops nothing": {
			[]string{"@row-15"},
			[]string{
				`the DATA disk "disk", attached, with the pattern "x"`, `the VM "vm" is stopped, which fails`,
				`the disk "disk" is resized to 2 GiB`,
			},
			[]string{"15 DATA attached plain, bypass off, one cluster"},
		},
		"a pool has no disks, and the bypass is nothing to it": {
			[]string{"@row-25"},
			[]string{`the bypass of secondary storage is on`, `the pool "primary" goes into maintenance`},
			[]string{"25 DATA detached plain, bypass off, one cluster"},
		},
		"no action, no cell": {
			[]string{"@row-15"}, []string{`the DATA disk "disk", attached, with the pattern "x"`}, nil,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, c := range Read(Scenario{Tags: test.tags, Steps: test.steps}).Cells {
				got = append(got, c.String())
			}
			assert.Equal(t, test.want, got)
		})
	}
}

func TestThePartsOfAnOfferingFollowFromItsSteps(t *testing.T) {
	t.Parallel()
	read := Read(Scenario{Tags: []string{"@row-24"}, Steps: []string{
		`the disk offering "new" with template "ssd", 300 IOPS`, `the DATA disk "disk", attached, with the pattern "x"`,
		`the disk "disk" is moved to the offering "new"`,
	}})
	assert.Equal(t, map[string][]Offering{"24": {Template, IOPS}}, read.Offerings)
}

func TestEveryReasonIsTheFirstForSomeCell(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	key := func(r Reason) string { return r.Why + r.rows + r.dims[0] }
	var table Table
	for _, r := range Rows() {
		for _, c := range Cells(r.Number) {
			if why, ok := table.Why(c); ok {
				used[key(why)] = true
			}
		}
	}
	for _, r := range Reasons() {
		assert.True(t, used[key(r)], "%s: %s", r.rows, r.Why)
	}
}

func TestACheckSeesWhatIsWrong(t *testing.T) {
	t.Parallel()
	nothing := NewTable(nil)
	filled := Cell{Row: "07", Kind: Data}
	nothing.Count[filled] = 1
	wrong := nothing.Check()
	assert.Contains(t, wrong, "09 ROOT attached plain, bypass off, one cluster: no scenario and no reason")
	assert.Contains(t, wrong, filled.String()+": has scenarios although the row is about ROOT volumes only (driver-management 16)")
}
