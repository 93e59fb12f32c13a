import Foundation
import TestSupport
import Testing
import Wallet

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
}
