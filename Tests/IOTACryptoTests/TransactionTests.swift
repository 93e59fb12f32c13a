import PaywallCore
import Testing

@testable import IOTACrypto

@Suite struct TransactionTests {
  @Test(arguments: try Vectors.rebased().transactions)
  func `a transaction is read, written and named as the SDK does`(
    vector: Vectors.Transaction
  ) throws {
    let bytes = try #require(Base64.decode(vector.txBytesBase64))
    #expect(Hex.encode(bytes) == vector.txBytesHex)
    let transaction = try Transaction(bcs: bytes)
    #expect(transaction == (try expected(vector)))
    #expect(transaction.bcs == bytes)
    #expect("\(transaction.digest)" == vector.digestBase58)
  }

  /// The transaction of the vector, put together from its description.
  private func expected(_ vector: Vectors.Transaction) throws -> Transaction {
    let sender = try #require(Address(vector.sender))
    let memo = Array(vector.memoUtf8.utf8)
    var inputs: [Transaction.Input] = [
      .pure(withUnsafeBytes(of: vector.amountNanos.value.littleEndian) { Array($0) }),
      .pure(try #require(Address(vector.recipient)).bytes),
    ]
    var commands: [Transaction.Command] = [
      .splitCoins(.gas, amounts: [.input(0)]),
      .transferObjects([.nestedResult(0, 0)], to: .input(1)),
    ]
    switch vector.name {
    case "pay_plain": break
    case "pay_memo_unused_pure_raw": inputs.append(.pure(memo))
    default: inputs.append(.pure([UInt8(memo.count)] + memo))
    }
    if vector.name == "pay_memo_movecall_string_utf8" {
      commands.append(
        .moveCall(
          package: try #require(Address(abbreviated: "0x1")), module: "string", function: "utf8",
          typeArguments: [], arguments: [.input(2)]))
    }
    return Transaction(
      inputs: inputs, commands: commands, sender: sender,
      gas: .init(
        payment: [
          ObjectReference(
            id: try #require(Address(vector.gas.objectId)), version: vector.gas.version.value,
            digest: try #require(Digest(vector.gas.digest)))
        ], owner: sender, price: vector.gas.price.value, budget: vector.gas.budget.value))
  }

  @Test(arguments: try Vectors.rebased().transactions)
  func `a transaction is signed as the SDK does`(vector: Vectors.Transaction) throws {
    let key = try PrivateKey(
      exported: try #require(try Vectors.rebased().keys.first { $0.address == vector.sender })
        .privateKeyBech32)
    let transaction = try Transaction(bcs: try #require(Base64.decode(vector.txBytesBase64)))
    let digest = Intent.signingDigest(of: transaction)
    #expect(Hex.encode(digest.bytes) == vector.signingDigestHex)
    let signature = key.sign(transaction)
    #expect(signature.base64 == vector.signatureBase64)
    #expect(signature.isValid(for: transaction, by: key.address))
    #expect(try Signature(serialized: signature.serialized) == signature)
    var other = transaction
    other.gas.budget += 1
    #expect(!signature.isValid(for: other, by: key.address))
    #expect(!signature.isValid(for: transaction, by: PrivateKey().address))
    #expect(!signature.isValid(forPersonalMessage: transaction.bcs, by: key.address))

    let signed = SignedTransaction(transaction: transaction, signatures: [signature.serialized])
    #expect(Base64.encode(signed.bcs) == vector.senderSignedDataBase64)
    #expect(try SignedTransaction(bcs: signed.bcs) == signed)
    #expect(signed.verdict == .valid)
  }

  @Test(
    arguments: try Vectors.pages().cases + [
      try Vectors.pages().failedTransaction, try Vectors.pages().justExecuted,
    ])
  func `raw transactions of node answers are read and verified`(page: Vectors.Case) throws {
    let answer = page.response
    let bytes = try #require(Base64.decode(answer.rawTransaction))
    let signed = try SignedTransaction(bcs: bytes)
    #expect(signed.bcs == bytes)
    #expect("\(signed.transaction.digest)" == answer.digest)
    #expect("\(signed.transaction.sender)" == answer.transaction.data.sender)
    #expect("\(signed.transaction.gas.owner)" == answer.transaction.data.gasData.owner)
    #expect("\(signed.transaction.gas.budget)" == answer.transaction.data.gasData.budget)
    #expect(signed.signatures.map(Base64.encode) == answer.transaction.txSignatures)
    #expect(signed.verdict == .valid)

    var unsigned = signed
    unsigned.signatures.removeLast()
    #expect(unsigned.verdict == .invalid)
    var changed = signed
    changed.transaction.gas.budget += 1
    #expect(changed.verdict == .invalid)
  }

  @Test func `two signers may sign in any order, one twice is not enough`() throws {
    let sponsored = try #require(
      try Vectors.pages().cases.first { $0.label.hasPrefix("sponsored") })
    var signed = try SignedTransaction(
      bcs: try #require(Base64.decode(sponsored.response.rawTransaction)))
    #expect(signed.signatures.count == 2)
    signed.signatures.reverse()
    #expect(signed.verdict == .valid)
    signed.signatures[0] = signed.signatures[1]
    #expect(signed.verdict == .invalid)
  }

  @Test func `a multisig transaction is read and verified`() throws {
    let vector = try Vectors.rebased().multisig2of2
    let transaction = try Transaction(bcs: try #require(Base64.decode(vector.txBytesBase64)))
    #expect("\(transaction.digest)" == vector.digest)
    #expect("\(transaction.sender)" == vector.address)
    #expect(Hex.encode(Intent.signingDigest(of: transaction).bytes) == vector.signingDigestHex)
    let signature = try #require(Base64.decode(vector.multisigSignatureBase64))
    var signed = SignedTransaction(transaction: transaction, signatures: [signature])
    #expect(signed.verdict == .valid)
    #expect("\(try UserSignature(serialized: signature).address)" == vector.address)
    signed.transaction.gas.budget += 1
    #expect(signed.verdict == .invalid)
    for member in vector.memberSignatures {
      let signature = try Signature(serialized: try #require(Base64.decode(member)))
      #expect(signature.isValid(for: transaction, by: signature.publicKey.address))
      #expect(!signature.isValid(for: transaction, by: transaction.sender))
    }
  }

  @Test(arguments: try Vectors.rebased().personalMessages)
  func `personal messages are signed as the SDK does`(vector: Vectors.PersonalMessage) throws {
    let message = try #require(Base64.decode(vector.messageBase64))
    let digest = Intent.signingDigest(ofPersonalMessage: message)
    #expect(Hex.encode(digest.bytes) == vector.signingDigestHex)
    let key = try PrivateKey(
      exported: try #require(try Vectors.rebased().keys.first { $0.address == vector.address })
        .privateKeyBech32)
    let signature = key.sign(personalMessage: message)
    #expect(signature.base64 == vector.signatureBase64)
    #expect(signature.isValid(forPersonalMessage: message, by: key.address))
    #expect(!signature.isValid(forPersonalMessage: message + [0], by: key.address))
  }

  @Test func `signatures of other forms are refused, each for its reason`() throws {
    #expect(throws: Signature.ParseError.malformed) { try Signature(serialized: []) }
    #expect(throws: Signature.ParseError.malformed) { try Signature(serialized: [0]) }
    let bytes = PrivateKey().sign(personalMessage: []).serialized
    #expect(throws: Signature.ParseError.malformed) { try Signature(serialized: bytes + [0]) }
    for scheme in [SignatureScheme.secp256k1, .secp256r1] {
      #expect(throws: Signature.ParseError.malformed) {
        try Signature(serialized: [scheme.flag] + bytes.dropFirst())
      }
    }
    for flag in UInt8(3)...255 {
      #expect(throws: Signature.ParseError.unsupported(SignatureScheme(flag: flag))) {
        try Signature(serialized: [flag] + bytes.dropFirst())
      }
    }
  }
}
