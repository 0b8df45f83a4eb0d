// SPDX-License-Identifier: Apache-2.0

//go:build linux

package preview1

// rights are what may be done with a descriptor.
type rights uint64

const (
	rightDatasync rights = 1 << iota
	rightRead
	rightSeek
	rightSetFlags
	rightSync
	rightTell
	rightWrite
	rightAdvise
	rightAllocate
	rightCreateDirectory
	rightCreateFile
	rightLinkSource
	rightLinkTarget
	rightOpen
	rightReaddir
	rightReadlink
	rightRenameSource
	rightRenameTarget
	rightPathFilestatGet
	rightPathSetSize
	rightPathSetTimes
	rightFilestatGet
	rightSetSize
	rightSetTimes
	rightSymlink
	rightRemoveDirectory
	rightUnlinkFile
	rightPoll
	rightShutdown
	rightAccept

	allRights = rightAccept<<1 - 1
)

// What a descriptor of each type can have.
const (
	ofStream    = rightRead | rightWrite | rightSetFlags | rightFilestatGet | rightPoll
	ofFile      = ofStream | rightDatasync | rightSeek | rightSync | rightTell | rightAdvise | rightAllocate | rightSetSize | rightSetTimes
	ofDirectory = rightDatasync | rightSetFlags | rightSync | rightCreateDirectory | rightCreateFile | rightLinkSource |
		rightLinkTarget | rightOpen | rightReaddir | rightReadlink | rightRenameSource | rightRenameTarget |
		rightPathFilestatGet | rightPathSetSize | rightPathSetTimes | rightFilestatGet | rightSetTimes | rightSymlink |
		rightRemoveDirectory | rightUnlinkFile | rightPoll
	ofSocket   = ofStream | rightShutdown
	ofListener = rightSetFlags | rightFilestatGet | rightPoll | rightAccept
)

// writing are rights for which a file is opened for writing, reading those for reading.
const (
	writing = rightWrite | rightAllocate
	reading = rightRead | rightReaddir
)
