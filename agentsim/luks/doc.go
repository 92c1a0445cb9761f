// Package luks makes, opens, reads and writes LUKS1 containers in pure Go, as the public LUKS1 on-disk format
// document describes them and as qemu-img and cryptsetup write them (agent 12).
//
//   - [Format] makes a container on anything that can be read and written, [Open] opens one with a passphrase,
//     [OpenReader] does so without the right to write.
//   - A [Container] is the plaintext: ReadAt, WriteAt and Size, and the rest of what an image has (Zero, NextData, Flush),
//     so that contents can be converted into it. Its offset 0 lies at [Container.PayloadOffset] of the device.
//   - [Params] chooses payload offset ([CryptsetupOffset] or [QemuOffset]), iterations and the source of keys and salts.
//   - [Options] bounds what a foreign header may cost ([Limits]); a [Cache] saves repeated key derivations.
//   - [ReadHeader] shows a header without opening it.
//   - [Detect], [Unwrap] and [Layers] are for judges: how many containers lie in one another. An agent never guesses
//     what a guest wrote (agent 16, A-3).
//   - [OpenQcow2] and [CreateQcow2] are for qcow2 images whose clusters are encrypted with a container of their own.
//   - [Error] carries one of the reasons [ErrNotLUKS], [ErrPassphrase], [ErrCorrupt] and so on.
//
// Nothing here keeps a passphrase or changes the caller's; [Wipe] clears it afterwards. Keys and key material are cleared as
// soon as they have served. Copies that the standard library makes while deriving, and the expanded AES keys of an open
// container, are beyond reach and left to the garbage collector.
package luks
