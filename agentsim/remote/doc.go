// Package remote shows an agent the devices of one StorPool client of an emulator in another process: [Devices] opens
// them over the emulator's admin API (emulator/ADMIN.md), with the rights that the client's attachments give.
package remote
