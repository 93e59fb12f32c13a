import IOTACrypto
import PaywallCore

extension Transaction {
  /// What a command takes a pure input for, as nodes find it out to show the input.
  private enum PureType: String {
    case u64, address
    case byteVector = "vector<u8>"
  }

  /// The inputs as JSON-RPC shows them.
  var inputsJSON: [JSON] {
    let types = pureTypes
    return inputs.enumerated().map { index, input in
      switch input {
      case .pure(let bytes):
        Self.pureJSON(bytes, as: types[index])
      case .owned(let reference):
        Self.objectJSON("immOrOwnedObject", reference)
      case .receiving(let reference):
        Self.objectJSON("receiving", reference)
      case .shared(let id, let initialVersion, let mutable):
        [
          "type": "object", "objectType": "sharedObject", "objectId": .text(id),
          "initialSharedVersion": .text(initialVersion), "mutable": .bool(mutable),
        ]
      }
    }
  }

  private static func objectJSON(_ type: String, _ reference: ObjectReference) -> JSON {
    [
      "type": "object", "objectType": .string(type), "objectId": .text(reference.id),
      "version": .text(reference.version), "digest": .text(reference.digest),
    ]
  }

  /// The types of the inputs that commands use, by position; the first use decides.
  private var pureTypes: [Int: PureType] {
    var types: [Int: PureType] = [:]
    func use(_ argument: Argument, as type: PureType) {
      guard case .input(let index) = argument, types[Int(index)] == nil else { return }
      types[Int(index)] = type
    }
    for command in commands {
      switch command {
      case .splitCoins(_, let amounts):
        for amount in amounts { use(amount, as: .u64) }
      case .transferObjects(_, let recipient):
        use(recipient, as: .address)
      case .moveCall(.moveStandardLibrary, "string", "utf8", _, let arguments):
        for argument in arguments { use(argument, as: .byteVector) }
      default:
        break
      }
    }
    return types
  }

  /// A pure value; its bytes, without a type, where it is unused or is not of the type.
  ///
  /// Source: iotaledger/iota, crates/iota-json/src/lib.rs (`IotaJsonValue::from_bcs_bytes`).
  private static func pureJSON(_ bytes: [UInt8], as type: PureType?) -> JSON {
    var value: JSON?
    switch type {
    case .u64:
      value = PureValue.u64(bytes).map { .text($0) }
    case .address:
      value = Address(bytes: bytes).map { .text($0) }
    case .byteVector:
      value = PureValue.byteVector(bytes).map { elements in
        String(validating: elements, as: UTF8.self).map { .string($0) } ?? array(of: elements)
      }
    case nil:
      break
    }
    return [
      "type": "pure", "valueType": value == nil ? .null : .string(type?.rawValue ?? ""),
      "value": value ?? array(of: bytes),
    ]
  }

  private static func array(of bytes: [UInt8]) -> JSON {
    .array(bytes.map { .int(Int64($0)) })
  }
}

extension Transaction.Command {
  /// The command as JSON-RPC shows it.
  var json: JSON {
    switch self {
    case .splitCoins(let coin, let amounts):
      return ["SplitCoins": [coin.json, .array(amounts.map(\.json))]]
    case .mergeCoins(let target, let sources):
      return ["MergeCoins": [target.json, .array(sources.map(\.json))]]
    case .transferObjects(let objects, let recipient):
      return ["TransferObjects": [.array(objects.map(\.json)), recipient.json]]
    case .moveCall(let package, let module, let function, _, let arguments):
      var fields: [String: JSON] = [
        "package": .text(package), "module": .string(module), "function": .string(function),
      ]
      if !arguments.isEmpty {
        fields["arguments"] = .array(arguments.map(\.json))
      }
      return ["MoveCall": .object(fields)]
    default:
      return .null  // refused before execution, so never shown
    }
  }
}

extension Transaction.Argument {
  /// The argument as JSON-RPC shows it.
  var json: JSON {
    switch self {
    case .gas: "GasCoin"
    case .input(let index): ["Input": .int(Int64(index))]
    case .result(let index): ["Result": .int(Int64(index))]
    case .nestedResult(let index, let second):
      ["NestedResult": [.int(Int64(index)), .int(Int64(second))]]
    }
  }
}
