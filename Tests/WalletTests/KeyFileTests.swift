import Foundation
import IOTACrypto
import Testing
import Wallet

@Suite struct KeyFileTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
  }

  @Test func `a key is kept for its owner alone, in the form of other wallets`() throws {
    let file = KeyFile(path: folder.path + "/new/deep/wallet.key")
    let key = PrivateKey()
    try file.create(key)
    #expect(try file.read().address == key.address)
    #expect(try String(contentsOfFile: file.path, encoding: .utf8) == key.exported + "\n")
    for (path, mode) in [
      (file.path, 0o600), (folder.path + "/new", 0o700), (folder.path + "/new/deep", 0o700),
    ] {
      let attributes = try FileManager.default.attributesOfItem(atPath: path)
      #expect(attributes[.posixPermissions] as? Int == mode)
    }
  }

  @Test func `an existing file is never overwritten, not even through a link`() throws {
    let path = folder.path + "/wallet.key"
    try "precious".write(toFile: path, atomically: false, encoding: .utf8)
    try FileManager.default.createSymbolicLink(
      atPath: folder.path + "/dangling", withDestinationPath: folder.path + "/nowhere")
    for path in [path, folder.path + "/dangling", folder.path] {
      #expect { try KeyFile(path: path).create(PrivateKey()) } throws: {
        ($0 as? WalletError)?.code == .keyFile
      }
    }
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "precious")
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/nowhere"))
  }

  @Test(arguments: [0o640, 0o604, 0o644, 0o660, 0o610, 0o601, 0o777])
  func `a file that others can reach is refused`(mode: Int) throws {
    let file = KeyFile(path: folder.path + "/wallet.key")
    try file.create(PrivateKey())
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path)
    let error = try #require(throws: WalletError.self) { try file.read() }
    #expect(error.code == .keyFile && "\(error)".contains("chmod 600"))
    #expect(!"\(error)".contains("iotaprivkey"))
  }

  @Test(arguments: ["", "hello", "iotaprivkey1qqqq", "\0\0\0", String(repeating: "q", count: 5000)])
  func `a file without a key is an error that does not quote it`(text: String) throws {
    let file = KeyFile(path: folder.path + "/wallet.key")
    #expect(
      FileManager.default.createFile(
        atPath: file.path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600]))
    let error = try #require(throws: WalletError.self) { try file.read() }
    #expect(error.code == .keyFile && "\(error)".contains(file.path))
    #expect(text.isEmpty || !"\(error)".contains(text))
  }

  @Test func `what is no file is an error`() throws {
    #expect(mkfifo(folder.path + "/pipe", 0o600) == 0)
    for path in ["/missing", "/pipe", "", "/missing/deeper"] {
      let error = try #require(throws: WalletError.self) {
        try KeyFile(path: folder.path + path).read()
      }
      #expect(error.code == .keyFile)
    }
  }
}
