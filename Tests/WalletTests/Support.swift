import Foundation
import IOTACrypto
import PaywallCore
import TestSupport
import Testing
import Wallet

/// The code of the wallet's error that the body throws.
func walletError(_ body: @escaping @Sendable () throws -> Void) async throws -> WalletError? {
  try await onThread {
    do {
      try body()
      return nil
    } catch let error as WalletError {
      return error
    }
  }
}

/// A folder that is removed when the last holder lets go.
final class TemporaryFolder: Sendable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "/paywall-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }
}

func address(_ byte: UInt8) -> Address {
  Address(bytes: [UInt8](repeating: byte, count: 32)) ?? Address(.zero)
}
