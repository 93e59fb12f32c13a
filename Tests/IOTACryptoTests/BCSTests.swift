import PaywallCore
import Testing

@testable import IOTACrypto

@Suite struct BCSTests {
  @Test(
    arguments: [
      (0, [0]), (1, [1]), (0x7f, [0x7f]), (0x80, [0x80, 1]), (0x3fff, [0xff, 0x7f]),
      (0x4000, [0x80, 0x80, 1]), (Int(UInt32.max), [0xff, 0xff, 0xff, 0xff, 0x0f]),
    ] as [(Int, [UInt8])])
  func `ULEB128 is written and read`(number: Int, bytes: [UInt8]) throws {
    var writer = BCSWriter()
    writer.uleb128(number)
    #expect(writer.bytes == bytes)
    var reader = BCSReader(bytes)
    #expect(Int(try reader.uleb128("number")) == number)
    try reader.finish("number")
  }

  @Test(
    arguments: [
      [0x80, 0], [0xff, 0x80, 0], [0xff, 0xff, 0xff, 0xff, 0x10],
      [0x80, 0x80, 0x80, 0x80, 0x80, 1],
      [0xff, 0xff, 0xff, 0xff, 0xff], [0x80, 0x80, 0x80, 0x80, 0],
    ] as [[UInt8]])
  func `ULEB128 that is too long or too large is refused`(bytes: [UInt8]) {
    var reader = BCSReader(bytes)
    #expect { try reader.uleb128("number") } throws: { ($0 as? BCSError)?.code == .malformed }
  }

  @Test func `every two-byte ULEB128 reads as its one value or not at all`() {
    for first in UInt8.min...UInt8.max {
      for second in UInt8.min...UInt8.max {
        var reader = BCSReader([first, second])
        guard let number = try? reader.uleb128("number") else { continue }
        var writer = BCSWriter()
        writer.uleb128(Int(number))
        #expect(writer.bytes == Array([first, second].prefix(reader.offset)))
      }
    }
  }

  @Test func `lengths beyond the bytes are refused before anything is allocated`() {
    for bytes: [UInt8] in [[1], [2, 0], [0xff, 0xff, 0xff, 0xff, 0x07], [0x80]] {
      var reader = BCSReader(bytes)
      #expect { try reader.byteVector("bytes") } throws: { ($0 as? BCSError)?.code == .truncated }
    }
    var reader = BCSReader([0xff, 0xff, 0xff, 0xff, 0x0f])
    #expect { try reader.byteVector("bytes") } throws: { ($0 as? BCSError)?.code == .malformed }
  }

  @Test func `every kind of input, command, argument and type comes back`() throws {
    let transaction = Self.everything
    #expect(try Transaction(bcs: transaction.bcs) == transaction)
  }

  @Test func `every cut-off transaction is an error`() throws {
    let bytes = Self.everything.bcs
    for count in bytes.indices {
      #expect(throws: BCSError.self) { try Transaction(bcs: Array(bytes.prefix(count))) }
    }
    #expect { try Transaction(bcs: bytes + [0]) } throws: {
      ($0 as? BCSError)?.code == .trailingBytes
    }
  }

  @Test func `whatever is read writes back to the same bytes`() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SeededGenerator(state: seed)
    let original = Self.everything.bcs
    var readable = 0
    for round in 0..<5_000 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let index = Int.random(in: bytes.indices, using: &generator)
        bytes[index] = UInt8.random(in: 0...255, using: &generator)
      }
      guard let transaction = try? Transaction(bcs: bytes) else { continue }
      readable += 1
      #expect(transaction.bcs == bytes, "seed \(seed), round \(round)")
    }
    #expect(readable > 250, "seed \(seed)")
  }

  @Test func `type tags nest sixteen deep and no deeper`() throws {
    func nested(_ depth: Int) -> Transaction {
      var type = Transaction.TypeTag.u8
      for _ in 1..<depth {
        type = .vector(type)
      }
      var transaction = Self.everything
      transaction.commands = [.makeMoveVector(type, [])]
      return transaction
    }
    #expect(try Transaction(bcs: nested(16).bcs) == nested(16))
    #expect { try Transaction(bcs: nested(17).bcs) } throws: {
      ($0 as? BCSError)?.code == .limit
    }
    // No inputs, one MakeMoveVec of a vector of vectors of …: must not exhaust the stack.
    let deep = [0, 0, 0, 1, 5, 1] + [UInt8](repeating: 6, count: 100_000)
    #expect { try Transaction(bcs: deep) } throws: { ($0 as? BCSError)?.code == .limit }
  }

  @Test func `what validators send is named unsupported`() {
    for bytes: [UInt8] in [[1, 0], [0, 1], [0, 4]] {
      #expect { try Transaction(bcs: bytes) } throws: {
        ($0 as? BCSError)?.code == .unsupported
      }
    }
  }

  @Test func `errors say what and where`() throws {
    let error = try #require(throws: BCSError.self) { try Transaction(bcs: [0, 0, 1, 0, 5, 1]) }
    #expect("\(error)" == "The BCS bytes end at 6, where pure input is expected.")
  }

  private static func address(_ byte: UInt8) -> Address {
    Address(bytes: [UInt8](repeating: byte, count: 32)) ?? Address(.zero)
  }

  private static func reference(_ byte: UInt8) -> ObjectReference {
    ObjectReference(
      id: address(byte), version: 1 << (UInt64(byte) % 64), digest: Digest(address(byte).bytes32))
  }

  /// A transaction that holds one of everything.
  ///
  /// Made anew each time: LeakSanitizer does not see indirect enums that only a global holds.
  private static var everything: Transaction {
    Transaction(
      inputs: [
        .pure([]), .pure([1, 2, 3]), .pure([UInt8](repeating: 9, count: 300)), .owned(reference(1)),
        .shared(id: address(2), initialVersion: 3, mutable: true),
        .shared(id: address(2), initialVersion: .max, mutable: false), .receiving(reference(3)),
      ],
      commands: [
        .moveCall(
          package: address(4), module: "coin", function: "join",
          typeArguments: [
            .bool, .u8, .u16, .u32, .u64, .u128, .u256, .address, .signer, .vector(.vector(.u8)),
            .structure(address: address(5), module: "m", name: "T", typeArguments: [.u8, .bool]),
          ],
          arguments: [.gas, .input(1), .result(2), .nestedResult(3, 65_535)]),
        .transferObjects([.result(0)], to: .input(1)),
        .splitCoins(.gas, amounts: [.input(0), .input(1)]),
        .mergeCoins(.input(3), from: [.input(6)]),
        .publish(modules: [[1, 2], []], dependencies: [address(1)]),
        .makeMoveVector(nil, []),
        .makeMoveVector(.u64, [.input(0)]),
        .upgrade(
          modules: [[1]], dependencies: [address(1), address(2)], package: address(7),
          ticket: .result(1)),
      ],
      sender: address(8),
      gas: .init(
        payment: [reference(9), reference(10)], owner: address(11), price: 1000, budget: .max),
      expirationEpoch: 77)
  }
}
