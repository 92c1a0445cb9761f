// Package hosttools does on a real host what package agentsim does in memory: it calls storpool, storpool_req,
// storpool_confget, qemu-img, cryptsetup, blockdev and mount, with the arguments that CloudStack's agent uses (agent 2, 3, 7,
// storpool-cli 4.1), corrected where a defect is named: the format of a source is always stated and never probed,
// ciphertext is copied as it is, snapshots carry no unlisted member.
//
//   - [Programs] runs programs of a search path. Output of both streams is one text; a non-zero exit is an [*ExitError].
//   - [Programs.API] is an agentsim.API through the command line.
//   - [Programs.Devices] are the devices under /dev.
//   - [Programs] itself is agentsim.Tools: conversions and containers.
//
// Passphrases travel in files with mode 0600, which are overwritten and removed when the program has ended, whatever
// came of it. They are never arguments and never part of an error.
package hosttools
