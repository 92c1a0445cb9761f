package agentsim

import (
	"context"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/emulator/fault"
)

// scene gives a command that succeeds with what it needs, and says when it has done its work.
type scene func(t *testing.T, b *bench) (cmd agentapi.Command, done func() bool)

func scenes() map[string]scene {
	all := furtherScenes()
	maps.Copy(all, firstScenes())
	return all
}

func firstScenes() map[string]scene {
	return map[string]scene{
		"ModifyStoragePool": func(_ *testing.T, b *bench) (agentapi.Command, func() bool) {
			return b.connect(), func() bool { return len(b.one.State().Pools) == 1 }
		},
		"BackupSnapshot": func(t *testing.T, b *bench) (agentapi.Command, func() bool) {
			t.Helper()
			return backupOf(b.sp.add("a7k.b.1", contents(1, mib), true)), func() bool { return len(b.files(t)) == 1 }
		},
		"DownloadTemplate": func(t *testing.T, b *bench) (agentapi.Command, func() bool) {
			t.Helper()
			tmpl, data := b.putTemplate(t, contents(1, mib)), contents(1, mib)
			to := b.sp.add("a7k.b.2", make([]byte, 512), false)
			return agentapi.DownloadTemplate{Template: &tmpl, DestTemplate: &agentapi.Template{Path: to}, ObjectType: "volume"},
				func() bool { return string(b.sp.get(to).data) == string(data) }
		},
		"ResizeVolume": func(t *testing.T, b *bench) (agentapi.Command, func() bool) {
			t.Helper()
			return b.grown(t, false, 2*mib), func() bool { return true }
		},
		"Start": func(_ *testing.T, b *bench) (agentapi.Command, func() bool) {
			v := vm("v", b.sp.add("a7k.b.1", make([]byte, 512), false), b.sp.add("a7k.b.2", make([]byte, 512), false))
			return agentapi.Start{VM: v}, func() bool { return len(b.one.State().Guests) == 1 }
		},
		"Stop": func(t *testing.T, b *bench) (agentapi.Command, func() bool) {
			t.Helper()
			v := vm("v", b.sp.add("a7k.b.1", make([]byte, 512), false))
			require.True(t, b.send(t, agentapi.Start{VM: v}).OK)
			return agentapi.Stop{VM: v}, func() bool { return len(b.one.State().Guests) == 0 && len(b.sp.attachments()) == 0 }
		},
		"Attach": func(t *testing.T, b *bench) (agentapi.Command, func() bool) {
			t.Helper()
			require.True(t, b.send(t, agentapi.Start{VM: vm("v")}).OK)
			disk := agentapi.Disk{Path: b.sp.add("a7k.b.1", make([]byte, 512), false), Pool: pool()}
			return agentapi.Attach{VM: "v", Disk: disk}, func() bool { return len(b.one.State().Guests[0].Disks) == 1 }
		},
		"Detach": func(t *testing.T, b *bench) (agentapi.Command, func() bool) {
			t.Helper()
			v := vm("v", b.sp.add("a7k.b.1", make([]byte, 512), false))
			require.True(t, b.send(t, agentapi.Start{VM: v}).OK)
			return agentapi.Detach{VM: "v", Disk: v.Disks[0]}, func() bool { return len(b.sp.attachments()) == 0 }
		},
		"DestroyTemplate": func(_ *testing.T, b *bench) (agentapi.Command, func() bool) {
			path := b.sp.add("a7k.b.1", nil, true)
			return agentapi.DestroyTemplate{Path: path, Pool: pool()}, func() bool { return b.sp.get(path) == nil }
		},
		"CheckHeartbeat": func(*testing.T, *bench) (agentapi.Command, func() bool) {
			return agentapi.CheckHeartbeat{}, func() bool { return true }
		},
	}
}

// tidy checks that a command left nothing behind on the host.
func (b *bench) tidy(t *testing.T, what string) {
	t.Helper()
	b.clock.Run(func() { require.NoError(t, b.clock.Settle(context.Background())) })
	s := b.one.State()
	assert.Empty(t, s.Mounts, what)
	assert.Zero(t, s.Unfinished, what)
	for _, f := range b.files(t) {
		assert.NotContains(t, f.Name, ".part-", what)
	}
	guests := 0
	for _, g := range s.Guests {
		guests += len(g.Disks)
	}
	assert.Len(t, s.Uses, guests+len(s.Prepared), what)
	assert.Zero(t, s.Held, "passphrases %s", what)
}

// reached tells the steps that happen only after another step has failed.
func (b *bench) reached(t *testing.T, command, step string) {
	t.Helper()
	before := map[string]string{"Start/disconnect": "run", "Attach/disconnect": "plug"}[command+"/"+step]
	if before == "" {
		return
	}
	_, err := b.Arm(fault.Rule{Call: "agent " + command + "/" + before, Effect: fault.Effect{Kind: fault.Refuse}})
	require.NoError(t, err)
}

func eachStep(t *testing.T, f func(t *testing.T, command, step string, s scene)) {
	t.Helper()
	for _, c := range Steps() {
		for _, step := range c.Steps {
			s := scenes()[c.Command+"/"+step]
			if s == nil {
				s = scenes()[c.Command]
			}
			require.NotNil(t, s, c.Command)
			t.Run(c.Command+"/"+step, func(t *testing.T) {
				t.Parallel()
				f(t, c.Command, step, s)
			})
		}
	}
}

func TestACommandCanBeRepeatedAfterTheAgentDiedAtAnyStep(t *testing.T) {
	t.Parallel()
	eachStep(t, func(t *testing.T, command, step string, s scene) {
		t.Helper()
		b := newBench(t, "")
		cmd, done := s(t, b)
		b.reached(t, command, step)
		_, err := b.Arm(fault.Rule{Call: "agent " + command + "/" + step, Effect: fault.Effect{Kind: fault.Cut}})
		require.NoError(t, err)
		assert.Nil(t, b.ask(t, cmd), "the agent is dead")
		assert.Empty(t, b.Faults().Unfired(), "the step happens")
		b.tidy(t, "after the death")
		if step == stepAnswer {
			assert.True(t, command == "ModifyStoragePool" || done(), "all is done before the answer, and pools are forgotten")
			return
		}
		b.again()
		ans := b.send(t, cmd)
		assert.True(t, ans.OK, ans.Details)
		assert.True(t, done())
		b.tidy(t, "after the repetition")
	})
}

func TestACommandIsDoneAlthoughItsAnswerIsLost(t *testing.T) {
	t.Parallel()
	for _, effect := range []fault.Effect{{Kind: fault.Lose}, {Kind: fault.Late, Delay: fault.Duration(time.Minute)}} {
		t.Run(string(effect.Kind), func(t *testing.T) {
			t.Parallel()
			eachStep(t, func(t *testing.T, command, step string, s scene) {
				t.Helper()
				if step == "disconnect" && (command == "Start" || command == "Attach") {
					t.Skip("the step follows a failure only")
				}
				b := newBench(t, "")
				cmd, done := s(t, b)
				_, err := b.Arm(fault.Rule{Call: "agent " + command + "/" + step, Effect: effect})
				require.NoError(t, err)
				b.clock.Run(func() {
					begun := b.clock.Now()
					ans, err := b.Send(context.Background(), "host-1", cmd)
					require.NoError(t, err)
					assert.Nil(t, ans)
					assert.Zero(t, b.clock.Now().Sub(begun), "the caller knows at once")
					require.NoError(t, b.clock.Settle(context.Background()))
				})
				assert.True(t, done())
				b.tidy(t, "in the end")
			})
		})
	}
}

func TestARefusedStepFailsTheCommandOrIsMadeUpFor(t *testing.T) {
	t.Parallel()
	eachStep(t, func(t *testing.T, command, step string, s scene) {
		t.Helper()
		b := newBench(t, "")
		cmd, done := s(t, b)
		b.reached(t, command, step)
		_, err := b.Arm(fault.Rule{Call: "agent " + command + "/" + step, Effect: fault.Effect{Kind: fault.Refuse, Error: "odd"}})
		require.NoError(t, err)
		ans := b.send(t, cmd)
		assert.Empty(t, b.Faults().Unfired())
		b.tidy(t, "after the refusal")
		if ans.OK {
			assert.True(t, done(), "a success is one")
			return
		}
		assert.Nil(t, ans.Payload)
		assert.NotEmpty(t, ans.Details)
		if step != stepAnswer {
			b.again()
			assert.True(t, b.send(t, cmd).OK)
		}
	})
}

func TestEffectsOnAStep(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, e fault.Effect) (*bench, *agentapi.Answer, time.Duration) {
		t.Helper()
		b := newBench(t, "")
		cmd := backupOf(b.sp.add("a7k.b.1", contents(1, mib), true))
		cmd.Wait = 20 * time.Minute
		_, err := b.Arm(fault.Rule{Call: "agent BackupSnapshot/convert", Object: "~a7k.b.1", Caller: "host-1", Effect: e})
		require.NoError(t, err)
		var ans *agentapi.Answer
		took := b.took(func() { ans = b.ask(t, cmd) })
		return b, ans, took
	}
	t.Run("delay", func(t *testing.T) {
		t.Parallel()
		b, ans, took := run(t, fault.Effect{Kind: fault.Delay, Delay: fault.Duration(time.Minute)})
		assert.True(t, ans.OK)
		assert.Equal(t, time.Minute, took)
		b.clean(t)
	})
	t.Run("hang", func(t *testing.T) {
		t.Parallel()
		b, ans, took := run(t, fault.Effect{Kind: fault.Hang})
		assert.False(t, ans.OK)
		assert.Equal(t, "convert: timeout", ans.Details)
		assert.Equal(t, 20*time.Minute, took)
		b.clean(t)
	})
	t.Run("malformed", func(t *testing.T) {
		t.Parallel()
		b, ans, _ := run(t, fault.Effect{Kind: fault.Malformed})
		assert.Equal(t, &agentapi.Answer{Details: "answer of an unexpected kind"}, ans)
		assert.Len(t, b.files(t), 1)
		b.clean(t)
	})
	t.Run("delay beyond the limit", func(t *testing.T) {
		t.Parallel()
		b, ans, took := run(t, fault.Effect{Kind: fault.Delay, Delay: fault.Duration(time.Hour)})
		assert.False(t, ans.OK)
		assert.Equal(t, 20*time.Minute, took)
		b.clean(t)
	})
}

func TestTheNthStepOfACommandCanGoWrong(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	_, err := b.Arm(fault.Rule{Call: "agent BackupSnapshot/*", Nth: 4, Effect: fault.Effect{Kind: fault.Refuse, Error: "fourth"}})
	require.NoError(t, err)
	ans := b.send(t, backupOf(b.sp.add("a7k.b.1", contents(1, mib), true)))
	assert.Equal(t, "mount: fourth: refused by a fault rule", ans.Details)
}

func TestRulesThatCanNeverFireAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	for _, r := range []fault.Rule{
		{Call: "POST VolumeCreate"},
		{Call: "agent BackupSnapshot"},
		{Call: "agent Nothing/attach"},
		{Call: "agent Migrate/attach"},
		{Call: "agent BackupSnapshot/blockresize"},
		{Call: "agent Start/connect", Caller: "host-9"},
		{Call: "agent Start/connect", Tag: "cs=*"},
		{Call: "agent Start/connect", Client: 1},
		{Call: "agent Start/connect", Cluster: "b"},
		{Call: "agent Start/connect", Effect: fault.Effect{Kind: fault.Truncated}},
		{Call: "agent Start/connect", Effect: fault.Effect{Kind: fault.Status, Status: 502}},
		{Call: "agent Start/connect", Effect: fault.Effect{Kind: fault.Refuse, Status: 500}},
	} {
		if r.Effect.Kind == "" {
			r.Effect.Kind = fault.Cut
		}
		_, err := b.Arm(r)
		require.ErrorIs(t, err, fault.ErrRule, r.Call)
	}
}

func TestAHostThatIsOffIsNotReached(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	path := b.sp.add("a7k.b.1", make([]byte, mib), false)
	require.True(t, b.send(t, agentapi.Start{VM: vm("v", path)}).OK)
	b.one.PowerOff()
	assert.False(t, b.one.Up())
	_, err := b.Send(context.Background(), "host-1", agentapi.CheckHeartbeat{})
	require.ErrorIs(t, err, ErrUnreachable)
	_, err = b.Send(context.Background(), "host-9", agentapi.CheckHeartbeat{})
	require.ErrorIs(t, err, ErrNoHost)
	_, err = b.Guest("v")
	require.ErrorIs(t, err, ErrNoGuest)
	assert.Equal(t, []string{"~a7k.b.1 on 1"}, b.sp.attachments(), "the cluster keeps them")
	b.one.PowerOn()
	b.one.PowerOn()
	assert.True(t, b.one.Up())
	require.True(t, b.send(t, agentapi.Start{VM: vm("v", path)}).OK)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = b.Send(ctx, "host-1", agentapi.CheckHeartbeat{})
	require.ErrorIs(t, err, context.Canceled)
}

func TestAHostThatGoesDownInACommandGivesNoAnswerAndTidiesUpWhenItIsBack(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.one.SetThroughput(mib)
	snap := b.sp.add("a7k.b.1", pattern(1, 8*mib), true)
	assert.Nil(t, b.askWhile(t, backupOf(snap), 2500*time.Millisecond, b.one.PowerOff))
	assert.Len(t, b.files(t), 1, "half a file under a temporary name")
	b.one.PowerOn()
	assert.Empty(t, b.files(t))
	require.True(t, b.send(t, backupOf(snap)).OK)
	b.clean(t)
}

func TestACommandThatHangsEndsWithTheHost(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	_, err := b.Arm(fault.Rule{Call: "agent BackupSnapshot/attach", Effect: fault.Effect{Kind: fault.Hang}})
	require.NoError(t, err)
	cmd := backupOf(b.sp.add("a7k.b.1", contents(1, mib), true))
	took := b.took(func() {
		assert.Nil(t, b.askWhile(t, cmd, 5*time.Second, func() {
			b.one.PowerOff()
			b.one.PowerOff()
		}))
	})
	assert.Equal(t, 5*time.Second, took)
}

// valued wants a value of the caller's context.
type valued struct {
	*storpool
	got any
}

type callKey struct{}

func (v *valued) SnapshotDelete(ctx context.Context, snapshot string) error {
	v.got = ctx.Value(callKey{})
	return v.storpool.SnapshotDelete(ctx, snapshot)
}

func TestCallsCarryTheValuesOfTheCallersContext(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	api := &valued{storpool: b.sp}
	_, err := b.AddHost(HostConfig{UUID: "h", OurID: 3, ClusterID: "a7k.b", API: api, Devices: devices{b.sp, 3}})
	require.NoError(t, err)
	cmd := agentapi.DestroyTemplate{Path: b.sp.add("a7k.b.1", nil, true), Pool: pool()}
	b.clock.Run(func() {
		ans, err := b.Send(context.WithValue(context.Background(), callKey{}, "me"), "h", cmd)
		require.NoError(t, err)
		assert.True(t, ans.OK)
	})
	assert.Equal(t, "me", api.got)
}

func TestACallerThatGivesUpGetsNoAnswerAndTheCommandGoesOn(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.one.SetThroughput(mib)
	snap := b.sp.add("a7k.b.1", pattern(1, 8*mib), true)
	b.clock.Run(func() {
		ctx, cancel := b.clock.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		ans, err := b.Send(ctx, "host-1", backupOf(snap))
		require.NoError(t, err)
		assert.Nil(t, ans)
		assert.Contains(t, b.files(t)[0].Name, ".part-")
	})
	b.clean(t)
	assert.Equal(t, "snapshots/2/17/s-20260101", b.files(t)[0].Name)
}

func TestAFleetNeedsItsParts(t *testing.T) {
	t.Parallel()
	alone, err := New(Config{})
	require.NoError(t, err)
	b := newBench(t, "")
	_, err = alone.AddHost(HostConfig{UUID: "x", API: b.sp, Devices: devices{}})
	require.ErrorContains(t, err, "Secondary is missing")
	for _, cfg := range []HostConfig{{}, {UUID: "x"}, {UUID: "x", API: b.sp}, {UUID: "host-1", API: b.sp, Devices: devices{}}} {
		_, err := b.AddHost(cfg)
		require.Error(t, err)
	}
	assert.Len(t, b.Hosts(), 2)
}
