import Foundation
import TestSupport
import Testing

/// What befalls the ledger under a running broker: the broker lives and serves, what is bought is
/// kept, the log says what to do without flooding, and after the repair nothing is lost.
@Suite(.onOwnThread)
struct LedgerFaultTests {
  private static let isRoot = getuid() == 0
  /// How long another program holds the lock at least, in seconds; `scripts/crash` has it do so for
  /// minutes.
  private static let lockS =
    ProcessInfo.processInfo.environment["PAYWALL_LOCK_SECONDS"].flatMap { Int($0) } ?? 0

  @Test(
    .enabled(if: isRoot, "a small disk, and a file that nobody may write, take root"),
    arguments: LedgerFault.allCases)
  func `whatever befalls the ledger, the broker serves on, and after the repair nothing is lost`(
    fault: LedgerFault
  ) async throws {
    let seed = testSeed()
    print("SEED=\(seed) \(fault)")
    var random = SplitMix64(seed: seed)
    try await Shop.open { shop in
      let path = shop.broker.ledgerPath
      let backup = shop.broker.scratch.path("backup.db")
      let buyer = try await shop.buyer()
      let crowd = try Crowd(shop)
      var paid = [try buyer.pay(600_000, username: "johndoe")]
      try shop.ledger.settled(paid[0])
      try ChildProcess.run(["sqlite3", "-readonly", path, ".backup '\(backup)'"])
      paid.append(try buyer.pay(300_000, username: "johndoe"))
      try shop.ledger.settled(paid[1])
      try crowd.check(shop, mayJaneRead: false)

      var kept = try fault.inject(path, backup: backup, using: &random)
      paid.append(try buyer.pay(300_000, username: "johndoe"))
      if let said = fault.said {
        #expect(shop.broker.logs(said, withinS: 30), "\(shop.broker.pluginLines)")
      }
      let lockS = fault == .locked ? Self.lockS : 0
      let late = lockS > 30 ? try buyer.pay(15_000, username: "janedoe") : nil
      let end = ContinuousClock.now + .seconds(lockS)
      for _ in 1...20 {
        try crowd.check(shop, mayJaneRead: false)
        paid.append(try buyer.pay(1000, username: "johndoe"))
      }
      while ContinuousClock.now < end { try crowd.check(shop, mayJaneRead: false) }
      #expect(shop.broker.isRunning)
      let warnings = shop.broker.pluginLines.filter { $0.contains("ledger \(path)") }
      #expect(warnings.count <= (fault.said == nil ? 6 : 2), "\(warnings)")
      if let said = fault.said { #expect(warnings.count { $0.contains(said) } == 1, "\(warnings)") }

      try fault.end(path, &kept)
      if fault.isPassing {
        for payment in paid { try shop.ledger.settled(payment, withinS: 30) }
        if let late { try checkMadeGood(shop, late, crowd) }
        try crowd.check(shop, mayJaneRead: false)
      }
      try restart(shop, backup: backup, crowd)
      for payment in paid { try shop.ledger.settled(payment, withinS: 30) }
      let bought = try shop.ledger.grants(of: "johndoe").filter { $0.kind == "bought" }
      #expect(bought.count == paid.count, "SEED=\(seed)")
      #expect(bought.reduce(0) { $0 + $1.ends_at - $1.starts_at } == 1_220_000, "SEED=\(seed)")
      #expect(zip(bought, bought.dropFirst()).allSatisfy { $0.ends_at == $1.starts_at })
      try Crowd(shop).check(shop, mayJaneRead: false)
    }
  }

  /// What passed while the payment could not be recorded is made good, and ends.
  private func checkMadeGood(_ shop: Shop, _ late: Buyer.Paid, _ crowd: Crowd) throws {
    try shop.ledger.settled(late, withinS: 30)
    #expect(try eventually(within: 10) { try crowd.agent.reaches(crowd.jane) })
    #expect(try eventually(within: 30) { try !crowd.agent.reaches(crowd.jane) })
  }

  /// Ends the broker and starts it, from the backup where it refuses, as an admin would.
  private func restart(_ shop: Shop, backup: String, _ crowd: Crowd) throws {
    let path = shop.broker.ledgerPath
    #expect(try shop.broker.stop().status == 0)
    let isThere = FileManager.default.fileExists(atPath: path)
    if isThere, (try? shop.broker.start()) != nil {
      // Damage elsewhere than where the broker looks first is told as well.
      guard shop.broker.logs("it is damaged", withinS: 1) else {
        try shop.client().subscribe(to: "sensor/live")
        return
      }
      try shop.broker.stop()
    } else if isThere {
      #expect(shop.broker.pluginLines.last?.contains("ledger \(path): ") == true)
    }
    for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) }
    try FileManager.default.copyItem(atPath: backup, toPath: path)
    try shop.broker.start()
    try shop.client().subscribe(to: "sensor/live")
  }

  @Test(.enabled(if: isRoot, "a small disk takes root"))
  func
    `on a full disk the broker serves on and says so once, and with room again all payments count`()
    async throws
  {
    try await Shop.prepare { shop in
      let folder = shop.broker.scratch.path("ledger")
      try ChildProcess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=777", "none", folder])
      defer {
        shop.broker.kill()
        _ = try? ChildProcess.run(["umount", folder])
      }
      try shop.broker.start()
      let buyer = try await shop.buyer()
      let crowd = try Crowd(shop)
      var paid = [try buyer.pay(600_000, username: "johndoe")]
      try shop.ledger.settled(paid[0])
      for _ in 1...3 {
        let count = shop.broker.pluginLines.count(where: isFull)
        try ChildProcess.run([
          "sh", "-c", "dd if=/dev/zero of='\(folder)/fill' bs=512 2>&1 || true",
        ])
        // What fits into the WAL as it is fits.
        for _ in 1...40 where shop.broker.pluginLines.count(where: isFull) == count {
          paid.append(try buyer.pay(1000, username: "johndoe"))
          _ = eventually(within: 0.1) { shop.broker.pluginLines.count(where: isFull) > count }
        }
        #expect(shop.broker.logs("its disk is full", times: count + 1))
        for _ in 1...10 {
          try crowd.check(shop, mayJaneRead: false)
          paid.append(try buyer.pay(1000, username: "johndoe"))
        }
        #expect(shop.broker.pluginLines.count(where: isFull) == count + 1)
        unlink(folder + "/fill")
        for payment in paid { try shop.ledger.settled(payment, withinS: 30) }
      }
      #expect(shop.broker.isRunning)
      let grants = try shop.ledger.grants()
      #expect(grants.count == paid.count)
      shop.broker.kill()
      try shop.broker.start()
      #expect(try shop.ledger.grants() == grants)
      try Crowd(shop).check(shop, mayJaneRead: false)
      try shop.broker.stop()
    }
  }

  @Test(.enabled(if: Disk.isPossible, "a disk of its own takes root, loop devices and ext4"))
  func `on a disk that the kernel makes read-only the broker serves on and says so once`()
    async throws
  {
    try await Shop.prepare { shop in
      let folder = shop.broker.scratch.path("ledger")
      let disk = try Disk(shop.broker.scratch.path("disk"), folder: folder)
      defer {
        shop.broker.kill()
        try? disk.unmount()
      }
      try disk.mount()
      try shop.broker.start()
      let buyer = try await shop.buyer()
      let crowd = try Crowd(shop)
      var paid = [try buyer.pay(600_000, username: "johndoe")]
      try shop.ledger.settled(paid[0])
      try disk.breakDown()
      for _ in 1...20 {
        paid.append(try buyer.pay(1000, username: "johndoe"))
        try crowd.check(shop, mayJaneRead: false)
      }
      let said = "see whether its disk is full, read-only or broken"
      #expect(shop.broker.logs(said, withinS: 30), "\(shop.broker.pluginLines)")
      let warnings = shop.broker.pluginLines.filter { $0.contains("ledger \(folder)") }
      #expect(warnings.count { $0.contains(said) } == 1 && warnings.count <= 2, "\(warnings)")
      #expect(shop.broker.isRunning)
      #expect(try shop.broker.stop().status == 0)
      try disk.unmount()
      try disk.mended().mount()
      try shop.broker.start()
      try shop.client().subscribe(to: "sensor/live")
      for payment in paid { try shop.ledger.settled(payment, withinS: 30) }
      let bought = try shop.ledger.grants(of: "johndoe")
      #expect(bought.reduce(0) { $0 + $1.ends_at - $1.starts_at } == 620_000)
      try Crowd(shop).check(shop, mayJaneRead: false)
    }
  }

  private func isFull(_ line: String) -> Bool { line.contains("its disk is full") }

  @Test func `a broker opens no other file in the place of its ledger, whatever SIGHUP asks for`()
    async throws
  {
    try await Shop.open { shop in
      let path = shop.broker.ledgerPath
      let crowd = try Crowd(shop)
      try shop.ledger.settled(try await shop.buyer().pay(600_000, username: "johndoe"))
      try ChildProcess.run(["sqlite3", "-readonly", path, ".backup '\(path).new'"])
      // In WAL mode, as the ledger is.
      try ChildProcess.run(["sqlite3", path + ".new", "PRAGMA journal_mode = WAL"])
      rename(path + ".new", path)
      #expect(shop.broker.logs("it was replaced by another file"))
      let offers = shop.settings.more
      for seconds in 1...8 {
        // Numbers are told from another connection, which is opened anew.
        shop.settings.more = offers + "\n[metrics]\ninterval = \"\(seconds)s\""
        try shop.reload()
        try crowd.check(shop, mayJaneRead: false)
      }
      unlink(path)
      #expect(shop.broker.logs("it was removed while"))
      shop.settings.more = offers + "\n[metrics]\ninterval = \"9s\""
      try shop.reload()
      try crowd.check(shop, mayJaneRead: false)
      // What has to be written is refused, and that is told.
      shop.settings.more = ""
      try shop.configure()
      shop.broker.reload()
      #expect(shop.broker.logs("cannot be taken over yet"), "\(shop.broker.pluginLines)")
      // Nor does it make an empty one.
      #expect(!FileManager.default.fileExists(atPath: path) && shop.broker.isRunning)
    }
  }

  /// Somebody who publishes, one who has paid and one who has not.
  private struct Crowd {
    let agent: Client
    let john: Client
    let jane: Client

    init(_ shop: Shop) throws {
      (agent, john, jane) =
        (try shop.client("agent"), try shop.client("johndoe"), try shop.client("janedoe"))
      for reader in [john, jane] {
        for filter in ["sensor/live", "sensor/1m"] { try reader.subscribe(to: filter) }
      }
    }

    /// The paid one reads, the other one what is free.
    func check(_ shop: Shop, mayJaneRead: Bool) throws {
      #expect(try eventually(within: 10) { try agent.reaches(john) })
      #expect(try agent.reaches(jane) == mayJaneRead)
    }
  }
}
