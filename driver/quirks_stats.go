package driver

import (
	"fmt"
	"slices"

	"github.com/spsim/spsim/driver/inventory"
	"github.com/spsim/spsim/driver/quirk"
	"github.com/spsim/spsim/driver/spapi"
)

// statsRules are the decisions about statistics.
type statsRules struct {
	statsKey        func(p inventory.Pool, desc descriptor) string
	oldFigures      func(old map[string]Figures) map[string]Figures
	volumeFigures   func(old map[string]Figures, clusters []spapi.ByCluster[spapi.VolumeSpace]) (map[string]Figures, error)
	templateFigures func(old map[string]Figures, clusters []spapi.ByCluster[spapi.TemplateStatus]) (map[string]Figures, error)
}

func correctStats() statsRules {
	return statsRules{
		statsKey: byEndpoint, oldFigures: keepFigures, volumeFigures: volumeFigures, templateFigures: templateFigures,
	}
}

func statsQuirks() []quirk.Quirk[rules] {
	return []quirk.Quirk[rules]{
		{
			Info: defect("D-30a", "C", "13.1", "figures are cleared before they are asked for, and those of a failed cluster are left out",
				"SUS-15"),
			Apply: func(r *rules) {
				r.oldFigures = func(map[string]Figures) map[string]Figures { return nil }
				r.volumeFigures = func(_ map[string]Figures, clusters []spapi.ByCluster[spapi.VolumeSpace]) (map[string]Figures, error) {
					out, _ := listedVolumes(clusters) // failures are ignored: the defect
					return out, nil
				}
			},
		},
		{
			Info: defect("D-30b", "C", "13.1", "one pool speaks for its zone, which is wrong with two StorPool clusters", "SUS-22"),
			Apply: func(r *rules) {
				r.statsKey = func(p inventory.Pool, _ descriptor) string { return fmt.Sprintf("zone %d", p.Zone) }
			},
		},
		{
			Info: defect("D-30c", "C", "13.1", "a sum over clusters ends at the first one that does not answer and counts as the total"),
			Apply: func(r *rules) {
				r.templateFigures = func(_ map[string]Figures, clusters []spapi.ByCluster[spapi.TemplateStatus]) (map[string]Figures, error) {
					end := slices.IndexFunc(clusters, func(c spapi.ByCluster[spapi.TemplateStatus]) bool { return c.Err != nil })
					if end >= 0 {
						clusters = clusters[:end]
					}
					return templateFigures(nil, clusters)
				}
			},
		},
		hidden("D-30z", "C", "13.1", "collectors are not started when the first pool comes later, and end with an unchecked exception",
			"the driver has no schedule of its own: who runs it calls the collections"),
	}
}
