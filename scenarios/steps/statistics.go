package steps

import (
	"context"
	"errors"
	"fmt"
)

var (
	reCollectStats = expression(`^the statistics are collected(, whatever comes of it)?` + outcome)
	reUses         = expression(`^the statistics say that "([^"]+)" uses (\d+ \w+) of (\d+ \w+)$`)
	reKnows        = expression(`^the statistics know the pool "([^"]+)"$`)
	reDead         = expression(`^StorPool at "([^"]+)" no longer answers$`)
)

func (s *scene) statisticsSteps(sc registrar) {
	sc.Step(reCollectStats(), s.collectStatistics)
	sc.Step(reUses(), s.uses)
	sc.Step(reKnows(), s.knows)
	sc.Step(reDead(), s.kill)
}

// collectStatistics is what the driver does from time to time.
func (s *scene) collectStatistics(ctx context.Context, whatever, outcome string) error {
	collect := func(ctx context.Context) error {
		return errors.Join(s.w.Driver.CollectVolumeStats(ctx), s.w.Driver.CollectStorageStats(ctx))
	}
	if whatever != "" {
		return s.act(ctx, "", func(ctx context.Context) error {
			_ = collect(ctx) // the figures tell
			return nil
		})
	}
	return s.act(ctx, outcome, collect)
}

func (s *scene) uses(disk, used, of string) error {
	v, err := s.volumeOf(disk)
	if err != nil {
		return err
	}
	got, ok := s.w.Driver.GetVolumeStats(v.Pool, v.Path)
	if !ok {
		return errors.New("the statistics do not know it")
	}
	if inWords(got.Used) != used || inWords(got.Size) != of {
		return fmt.Errorf("they say that it uses %s of %s", inWords(got.Used), inWords(got.Size))
	}
	return nil
}

func (s *scene) knows(ctx context.Context, pool string) error {
	id, err := s.pool(pool)
	if err != nil {
		return err
	}
	figures, ok, err := s.w.Driver.GetStorageStats(ctx, id)
	if err != nil {
		return err
	}
	if !ok || figures.Size == 0 {
		return errors.New("they do not")
	}
	return nil
}

func (s *scene) kill(hostPort string) error {
	p, ok := s.w.Target.(*proxy)
	if !ok {
		return errors.New(`the scenario needs a zone "behind a meddling proxy"`)
	}
	p.kill(hostPort)
	return nil
}
