package driver

import (
	"context"
	"errors"
	"fmt"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/quirk"
)

// groupRules are the decisions about VM snapshots and the tags of VMs.
type groupRules struct {
	oneCluster    func(ctx context.Context, d *Driver, c *conn, disks []inventory.Volume) error
	allMembers    func(disks []inventory.Volume, made map[string]string) error
	doomedMembers func(g group) ([]member, error)
	memberGone    func(err error) error
	groupKept     func(d *Driver, row inventory.VMSnapshot) error
	revertMembers func(d *Driver, g group) (plans []revertPlan, others []string, err error)
	renameFailed  func(err error) error
	safetyGroup   func(ctx context.Context, o *op, c *conn, r groupRevert) (map[string]string, error)
	memberSize    func(ctx context.Context, c *conn, p revertPlan) (int64, error)
	policyAllowed func(d *Driver, value string, admin bool) error
	policySet     func(err error) (later bool, result error)
}

func correctGroups() groupRules {
	return groupRules{
		oneCluster: oneCluster, allMembers: allMembers, doomedMembers: storedMembers, memberGone: missingIsFine,
		groupKept: groupKept, revertMembers: revertMembers, renameFailed: itself, safetyGroup: safetyGroup,
		memberSize: memberSize, policyAllowed: policyAllowed, policySet: keepTrying,
	}
}

// errNoMember is what a volume without a member meets in the existing plugin.
var errNoMember = errors.New("a volume has no member on record")

func groupQuirks() []quirk.Quirk[rules] {
	return append(memberQuirks(), policyQuirks()...)
}

func memberQuirks() []quirk.Quirk[rules] {
	return []quirk.Quirk[rules]{
		{
			Info: defect("D-8a", "A", "12.2", "the connection of the first volume serves the pools of all others", "SUS-14"),
			Apply: func(r *rules) {
				r.oneCluster = func(context.Context, *Driver, *conn, []inventory.Volume) error { return nil }
			},
		},
		{
			Info: defect("D-8b", "A", "12.2", "a VM snapshot passes although a volume has no member", "S-20"),
			Apply: func(r *rules) {
				r.allMembers = func([]inventory.Volume, map[string]string) error { return nil }
			},
		},
		{
			Info: defect("D-8c", "B", "12.3", "a VM snapshot is deleted by the volumes that the VM has now: one that came later makes it "+
				"undeletable, the member of one that left leaks", "S-21", "SUS-14"),
			Apply: func(r *rules) { r.doomedMembers = membersOfDisks },
		},
		{
			Info:  defect("D-8d", "B", "12.3", "a member that is missing on StorPool ends the deletion of a VM snapshot", "S-21", "SUS-14"),
			Apply: func(r *rules) { r.memberGone = itself },
		},
		{
			Info: defect("D-8e", "B", "12.3", "a VM snapshot whose deletion was refused stays Expunging"),
			Apply: func(r *rules) {
				r.groupKept = func(*Driver, inventory.VMSnapshot) error { return nil }
			},
		},
		{
			Info: defect("D-8f", "B", "12.3", "a volume that came later makes a VM snapshot unusable, after others have been reverted", "S-21"),
			Apply: func(r *rules) {
				r.revertMembers = func(d *Driver, g group) ([]revertPlan, []string, error) {
					plans, others, err := revertMembers(d, g)
					if err == nil && len(others) > 0 {
						err = fmt.Errorf("%w: %v", errNoMember, others)
					}
					return plans, nil, err
				}
			},
		},
		{
			Info: defect("D-8g", "A", "12.3", "a revert of a VM that fails leaves some of its volumes reverted", "S-22"),
			Apply: func(r *rules) {
				r.safetyGroup = func(context.Context, *op, *conn, groupRevert) (map[string]string, error) { return nil, nil }
			},
		},
		{
			Info:  defect("D-8h", "C", "12.3", "the size of a volume is not looked at after the revert of its VM", "S-23"),
			Apply: func(r *rules) { r.memberSize = sizeAsItWas },
		},
		{
			Info:  defect("D-8i", "B", "12.3", "a legacy volume that could not be renamed is reverted all the same", "S-22"),
			Apply: func(r *rules) { r.renameFailed = unlessCrashed },
		},
		hidden("D-8z", "B", "12.2, 12.3", "the answer is read before its error is looked at, and lists that are empty or null are not expected",
			"an error comes with no answer here", "SUS-14"),
		hidden("S-24", "C", "strategies 13", "usage events carry the offering of compute-only offerings only", "there are no usage events here"),
		hidden("S-30", "B", "strategies 13", "memory snapshots fall through to a strategy that cannot work on raw disks",
			"the choice of another strategy is CloudStack's"),
	}
}

// membersOfDisks are the members of the volumes that the VM has; each must have one.
func membersOfDisks(g group) (out []member, err error) {
	for _, v := range g.disks {
		found := false
		for _, m := range g.members {
			if m.uuid == v.UUID {
				out, found = append(out, m), true
			}
		}
		if !found {
			return out, fmt.Errorf("%w: %s", errNoMember, v.Name)
		}
	}
	return out, nil
}

func sizeAsItWas(_ context.Context, _ *conn, p revertPlan) (int64, error) { return p.row.Size, nil }

func unlessCrashed(err error) error {
	if errors.Is(err, errCrash) {
		return err
	}
	return nil
}

func policyQuirks() []quirk.Quirk[rules] {
	return []quirk.Quirk[rules]{
		{
			Info: defect("D-29a", "C", "9.9", "anybody may set any backup policy, values that StorPool does not take among them"),
			Apply: func(r *rules) {
				r.policyAllowed = func(*Driver, string, bool) error { return nil }
			},
		},
		{
			Info:  defect("D-29b", "C", "9.9", "a backup policy that could not be set is only logged"),
			Apply: func(r *rules) { r.policySet = func(error) (bool, error) { return false, nil } },
		},
	}
}
