extension PrivateKey {
  /// The key that IOTA's wallets derive from a mnemonic.
  ///
  /// SLIP-10 for Ed25519, along `m/44'/4218'/0'/0'/index'`. The index is below 2³¹; its top bit is
  /// ignored.
  ///
  /// Source: https://github.com/satoshilabs/slips/blob/master/slip-0010.md and slip-0044.md
  /// (4218 is IOTA).
  public init(_ mnemonic: Mnemonic, index: UInt32 = 0) {
    var seed = mnemonic.seed
    defer { wipe(&seed) }
    self.init(slip10Seed: seed, path: [44, 4218, 0, 0, index])
  }

  /// The key at a path of hardened steps, the only ones that Ed25519 has.
  init(slip10Seed: [UInt8], path: [UInt32]) {
    // The left half is the key, the right half the chain code.
    var node = HMACSHA512.code(of: slip10Seed, key: Array("ed25519 seed".utf8))
    defer { wipe(&node) }
    for step in path {
      let hardened = step | 0x8000_0000
      let index = (0..<4).map { UInt8(truncatingIfNeeded: hardened >> (24 - 8 * UInt32($0))) }
      var data = [0] + node[..<32] + index
      defer { wipe(&data) }
      node = HMACSHA512.code(of: data, key: Array(node[32...]))
    }
    self.init(checkedSeed: Array(node[..<32]))
  }
}
