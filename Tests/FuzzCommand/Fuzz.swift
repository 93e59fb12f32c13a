import Foundation
import Fuzz

/// The kind of input that the environment's `FUZZ_KIND` names.
private let target: FuzzTarget = {
  let name = ProcessInfo.processInfo.environment["FUZZ_KIND"] ?? ""
  guard let target = FuzzTarget.all.first(where: { $0.name == name }) else {
    let names = FuzzTarget.all.map(\.name).joined(separator: ", ")
    fatalError("there is no kind '\(name)'; the kinds are \(names)")
  }
  return target
}()

/// What libFuzzer calls with each input.
@c(LLVMFuzzerTestOneInput)
public func runOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  do {
    try target.run(Array(UnsafeBufferPointer(start: data, count: count)))
  } catch {
    fatalError("broken promise: \(error)")
  }
  return 0
}
