package agentsim

import (
	"github.com/spsim/spsim/agentsim/secondary"
	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/quirk"
	"github.com/spsim/spsim/driver/spapi"
)

func furtherQuirks() []quirk.Quirk[rules] {
	return append(append(encryptionQuirks(), copyQuirks()...), downloadQuirks()...)
}

func encryptionQuirks() []quirk.Quirk[rules] {
	return []quirk.Quirk[rules]{
		{
			Info:  info("A-1", "A", "9.8", "a failed encryption answers success; the volume is plain or half written"),
			Apply: func(r *rules) { r.encrypted = encryptionPasses },
		},
		{
			Info:  info("A-2", "A", "13", "the backup of an encrypted volume is encrypted a second time, fully allocated and not restorable", "SUS-1"),
			Apply: func(r *rules) { r.ciphertext = encryptAgain },
		},
		{
			Info:  info("A-3", "A", "7", "the format of a device is found out from what the guest wrote on it; a backing file leaks files of the host"),
			Apply: func(r *rules) { r.contents = probed },
		},
		{
			Info:  info("A-11", "B", "11", "the guest of an encrypted disk is told the size with the header, which never fits"),
			Apply: func(r *rules) { r.blockSize = requestedSize },
		},
		{
			Info:  info("A-16", "B", "9.8", "the snapshot of the template stays attached when the encryption of a root volume fails"),
			Apply: func(r *rules) { r.sourceRead = forgetSource },
		},
		{
			Info: info("A-24", "C", "9.2", "the passphrase stays in the agent's memory after a backup"),
			Apply: func(r *rules) {
				r.wipes = func(command string) bool { return command != agentapi.BackupSnapshot{}.Command() }
			},
		},
	}
}

func copyQuirks() []quirk.Quirk[rules] {
	return []quirk.Quirk[rules]{
		{
			Info:  info("A-9a", "B", "9.4", "the destination of a volume's copy stays mounted"),
			Apply: func(r *rules) { r.copyMounted = leaveMounted },
		},
		{
			Info: info("A-9b", "B", "9.4", "a failed copy of a volume leaves the partial file"),
			Apply: func(r *rules) {
				r.copyOutput = func() secondary.Write { return secondary.Write{InPlace: true} }
			},
		},
		{
			Info:  info("A-9c", "A", "9.4", "a copied volume is recorded with the length of its thin file as size"),
			Apply: func(r *rules) { r.copiedSize = fileLength },
		},
		{
			Info:  info("A-9d", "B", "9.4", "the path of a volume copied to a pool is made of a path that it does not have"),
			Apply: func(r *rules) { r.copiedPath = pathOrNull },
		},
		{
			Info:  info("A-22", "B", "9.3", "a template's file is named after the snapshot or volume; names collide and may hold a slash"),
			Apply: func(r *rules) { r.templateFile = templateBySource },
		},
	}
}

func downloadQuirks() []quirk.Quirk[rules] {
	return []quirk.Quirk[rules]{
		{
			Info: info("A-17a", "C", "10", "a direct download answers size 0, since its snapshot is not attached"),
			Apply: func(r *rules) {
				next := r.downloaded
				r.downloaded = func(t agentapi.Template, err error) *agentapi.Answer {
					t.Size = 0
					return next(t, err)
				}
			},
		},
		{
			Info: info("A-17b", "B", "10", "a direct download that fails answers without a reason"),
			Apply: func(r *rules) {
				next := r.downloaded
				r.downloaded = func(t agentapi.Template, err error) *agentapi.Answer {
					if err != nil {
						return &agentapi.Answer{Details: "java.lang.NullPointerException"}
					}
					return next(t, nil)
				}
			},
		},
		{
			Info: info("A-17c", "C", "10", "the snapshot of a direct download has no uuid tag"),
			Apply: func(r *rules) {
				r.downloadTags = func(string) spapi.Tags { return roleTags() }
			},
		},
		{
			Info: quirk.Info{
				ID: "A-25", Severity: "C", Source: "agent 3.6; found by the fault sweep",
				Reason: "a cached template whose deletion was answered to nobody can never be evicted: that it is gone is a failure",
			},
			Apply: func(r *rules) { r.gone = func(err error) error { return err } },
		},
		{
			Info: quirk.Info{
				ID: "A-26", Severity: "B", Source: "agent 10; found by the fault sweep",
				Reason: "the volume of a direct download says nothing of its template: one whose creation was answered to nobody stays for ever",
			},
			Apply: func(r *rules) { r.workTags = func(string) spapi.Tags { return roleTags() } },
		},
		{
			Info: quirk.Info{
				ID: "A-17d", Severity: "C", Source: "agent 10", Reason: "a snapshot is asked for with the unlisted member template",
				Inexpressible: "the API client sends listed members only; the call has the same effect with and without",
			},
		},
	}
}
