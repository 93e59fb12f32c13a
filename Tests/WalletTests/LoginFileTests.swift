import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Wallet

@Suite struct LoginFileTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
  }

  @Test func `logins are saved for their owner alone, the last one first`() throws {
    let file = LoginFile(path: folder.path + "/logins/plug.example:8883.json")
    #expect(try file.logins().isEmpty)
    let (jane, other) = (LoginFile.Login.random(username: "jane"), LoginFile.Login.random())
    try file.save(jane)
    try file.save(other)
    #expect(try file.logins() == [other, jane])
    try file.save(jane)
    #expect(try file.logins() == [jane, other])
    #expect(jane.username == "jane" && jane.password.utf8.count == 22)
    #expect(other.username.wholeMatch(of: /buyer-[a-z2-7]{8}/) != nil)
    let mode = try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions]
    #expect(mode as? Int == 0o600)

    chmod(file.path, 0o644)
    #expect(throws: WalletError.self) { try file.logins() }
    #expect(throws: WalletError.self) { try file.save(.random()) }
  }

  @Test func `purchases at the same time lose none of each other's logins`() async throws {
    let file = LoginFile(path: folder.path + "/logins/plug.example:8883.json")
    let logins = (0..<40).map { _ in LoginFile.Login.random() }
    try await withThrowingTaskGroup { group in
      for login in logins {
        group.addTask { try await onThread { try file.save(login) } }
      }
      try await group.waitForAll()
    }
    #expect(Set(try file.logins()) == Set(logins))
  }

  @Test func `a refused login is set aside and never lost`() throws {
    let file = LoginFile(path: folder.path + "/plug.example:8883.json")
    let (jane, other) = (LoginFile.Login.random(username: "jane"), LoginFile.Login.random())
    try file.save(other)
    try file.save(jane)
    try file.setAside(jane)
    #expect(try file.logins() == [other])
    #expect(try file.refusedLogins() == [jane])
    try file.setAside(other)
    try file.setAside(jane)
    #expect(try file.logins().isEmpty)
    #expect(try file.refusedLogins() == [jane, other])
    // Accepted after all.
    try file.save(jane)
    #expect(try file.logins() == [jane])
    #expect(try file.refusedLogins() == [other])
  }

  @Test func `a file of an earlier version is read`() throws {
    let file = LoginFile(path: folder.path + "/plug.example:8883.json")
    try Data(#"{"logins":[{"username":"jane","password":"s3cret"}]}"#.utf8)
      .write(to: URL(filePath: file.path))
    chmod(file.path, 0o600)
    #expect(try file.logins() == [LoginFile.Login(username: "jane", password: "s3cret")])
    #expect(try file.refusedLogins().isEmpty)
  }

  /// What is written to disk at which moment, and whether the file had its name then.
  private struct Syncs {
    var paths: [String] = []
    var hadName: [Bool] = []
  }

  @Test func `before anything is paid the disk holds the file, its name and its folders`() throws {
    let syncs = Mutex(Syncs())
    let path = folder.path + "/new/logins/plug.json"
    let record: @Sendable (Int32) -> Int32 = { descriptor in
      let link = "/proc/self/fd/\(descriptor)"
      let synced = (try? FileManager.default.destinationOfSymbolicLink(atPath: link)) ?? ""
      let hasName = FileManager.default.fileExists(atPath: path)
      syncs.withLock {
        $0.paths.append(synced)
        $0.hadName.append(hasName)
      }
      return 0
    }
    let file = PrivateFile(
      kind: "login file", path: path, maximumByteCount: 100, sync: record)
    try file.replace(with: [1])
    let root = URL(filePath: folder.path).resolvingSymlinksInPath().path
    #expect(
      syncs.withLock { $0.paths } == [
        root, root + "/new", root + "/new/logins/plug.json.new", root + "/new/logins",
      ])
    #expect(syncs.withLock { $0.hadName } == [false, false, false, true])

    let broken = PrivateFile(
      kind: "login file", path: path, maximumByteCount: 100,
      sync: { _ in
        errno = EIO
        return -1
      })
    #expect(throws: WalletError.self) { try broken.replace(with: [2]) }
    #expect(try file.read() == [1])
  }
}
