import Foundation
import TestSupport

/// What happens to a ledger's files under a running broker.
enum LedgerFault: String, CaseIterable {
  case removed, renamed, replaced, emptied, halved, walRemoved, walEmptied, walHalved, indexRemoved,
    indexEmptied
  case indexHalved
  case flipped, walFlipped, writeProtected, locked

  /// What the log says of it within seconds; nil: nothing for certain, for SQLite has in memory what
  /// was damaged.
  var said: String? {
    switch self {
    case .removed, .renamed: "it was removed while the broker runs"
    case .replaced: "it was replaced by another file while the broker runs"
    case .emptied: "it was emptied while the broker runs"
    case .walRemoved: "its -wal was removed while the broker runs"
    case .indexRemoved: "its -shm was removed while the broker runs"
    case .writeProtected: "it cannot be read or written"
    case .locked: "another program holds a lock on it"
    case .halved, .walEmptied, .walHalved, .indexEmptied, .indexHalved, .flipped, .walFlipped: nil
    }
  }

  /// Whether it goes away again by itself, so that the broker needs no restart.
  var isPassing: Bool { self == .writeProtected || self == .locked || self == .renamed }

  /// Does it.
  ///
  /// - Returns: What has to be kept for as long as it lasts.
  func inject(_ path: String, backup: String, using random: inout SplitMix64) throws
    -> ChildProcess?
  {
    switch self {
    case .removed: unlink(path)
    case .renamed: rename(path, path + ".away")
    case .replaced:
      try FileManager.default.copyItem(atPath: backup, toPath: path + ".new")
      rename(path + ".new", path)
    case .emptied: truncate(path, 0)
    case .halved: truncate(path, size(path) / 2 / 4096 * 4096)
    case .walRemoved: unlink(path + "-wal")
    case .walEmptied: truncate(path + "-wal", 0)
    case .walHalved: truncate(path + "-wal", size(path + "-wal") / 2)
    case .indexRemoved: unlink(path + "-shm")
    case .indexEmptied: truncate(path + "-shm", 0)
    case .indexHalved: truncate(path + "-shm", size(path + "-shm") / 2)
    case .flipped: try flip(path, using: &random)
    case .walFlipped: try flip(path + "-wal", using: &random)
    case .writeProtected: try ChildProcess.run(["chattr", "+i", path, path + "-wal"])
    case .locked:
      let holder = try ChildProcess(
        ["sqlite3", path, "BEGIN EXCLUSIVE", ".shell echo held", ".shell sleep 600"],
        outputPath: path + ".holder")
      guard eventually(within: 20, { holder.output.contains("held") }) else {
        throw TestFailure("the ledger cannot be locked: \(holder.output)")
      }
      return holder
    }
    return nil
  }

  /// Takes back what passes.
  func end(_ path: String, _ kept: inout ChildProcess?) throws {
    kept = nil
    switch self {
    case .renamed: rename(path + ".away", path)
    case .writeProtected: try ChildProcess.run(["chattr", "-i", path, path + "-wal"])
    default: break
    }
  }

  private func size(_ path: String) -> Int {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : 0
  }

  /// Turns some bits over.
  private func flip(_ path: String, using random: inout SplitMix64) throws {
    let count = size(path)
    guard count > 0, let file = FileHandle(forUpdatingAtPath: path) else {
      throw TestFailure("\(path) has nothing to turn over")
    }
    for _ in 1...32 {
      let offset = UInt64.random(in: 0..<UInt64(count), using: &random)
      try file.seek(toOffset: offset)
      let byte = try file.read(upToCount: 1)?.first ?? 0
      try file.seek(toOffset: offset)
      try file.write(contentsOf: [byte ^ (1 << UInt8.random(in: 0..<8, using: &random))])
    }
    try file.close()
  }
}
