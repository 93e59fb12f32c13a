import Glibc

/// Times of the processor, in nanoseconds.
enum Measure {
  /// How often a measurement is repeated: the machine's other work makes some runs slow, none fast.
  private static let runs = 15

  /// The median and the best time of one of `count` operations that `body` does.
  static func each(of count: Int, _ body: () -> Void) -> (median: Double, best: Double) {
    var times: [Double] = []
    for _ in 0..<runs {
      times.append(Double(total(body)) / Double(count))
    }
    times.sort()
    return (times[times.count / 2], times[0])
  }

  /// The time that `body` takes.
  static func total(_ body: () throws -> Void) rethrows -> Int64 {
    let start = now()
    try body()
    return now() - start
  }

  /// A line of the output: one JSON object.
  static func report(_ fields: KeyValuePairs<String, any Field>) {
    print("{" + fields.map { "\"\($0)\":\($1.json)" }.joined(separator: ",") + "}")
  }

  /// Ends the program with an error unless something holds.
  static func require(_ isHeld: Bool, _ otherwise: @autoclosure () -> String) {
    guard !isHeld else { return }
    print("access-bench: \(otherwise())")
    exit(1)
  }

  private static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}

/// What a report can say.
protocol Field {
  var json: String { get }
}

extension Int: Field {
  var json: String { "\(self)" }
}

extension Double: Field {
  var json: String { "\((self * 10).rounded() / 10)" }
}

extension String: Field {
  /// Names without anything to escape.
  var json: String { "\"\(self)\"" }
}
