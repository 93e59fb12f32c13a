import Ledger
import PaywallCore
import Glibc

func now() -> Double { var t = timespec(); clock_gettime(CLOCK_MONOTONIC, &t); return Double(t.tv_sec) + Double(t.tv_nsec) / 1e9 }
let args = CommandLine.arguments
let path = args[1]
if args[2] == "load" { try measureLoad(path); exit(0) }
let count = Int(args[2]) ?? 100_000
let accounts = Int(args[3]) ?? 10_000
let offerCount = args.count > 4 ? Int(args[4]) ?? 1 : 1
let ledger = try Ledger(path: path, nowMs: 1000)
let entries = (0..<offerCount).map { i in
  OfferEntry(terms: Offer(name: Name("live\(i)")!, topics: [TopicFilter("sensor/live\(i)")!], price: 1, perMs: 1, validFromMs: 0), fromMs: nil) }
let offers = try ledger.apply(offers: entries, nowMs: 1000, firstFromMs: 0)
var g = SystemRandomNumberGenerator()
let address = Address(Bytes32.zero)
var pages: [PaymentPage] = []
var n = 0
while n < count {
  var payments: [Payment] = []
  for _ in 0..<50 {
    let bytes = (0..<4).flatMap { _ in let w = g.next(); return (0..<8).map { UInt8(truncatingIfNeeded: w >> (8 * UInt64($0))) } }
    let name = "user\(Int.random(in: 0..<accounts))"
    let seq = Int64(n / 3)
    payments.append(Payment(digest: Digest(bytes: bytes)!, payer: address, amount: 500_000,
      memo: Memo(content: .plain(username: Array(name.utf8), offer: nil), text: "{\"username\":\"\(name)\"}"),
      checkpoint: Checkpoint(sequence: seq, timeMs: seq * 250)))
    n += 1
  }
  pages.append(PaymentPage(payments: payments, position: ReadingPosition(checkpoint: Int64(n / 3) - 1, sinceMs: 0)))
}
let t0 = now()
var done = 0
var last = t0
for page in pages {
  _ = try ledger.record(page, network: "n", address: address, offers: offers, nowMs: 5000)
  done += 50
  if done % 50_000 == 0 { let t = now(); print(done, Int(50_000 / (t - last)), "payments/s"); last = t
    try ledger.checkpoint(); print("checkpoint", now() - last); last = now() }
}
print("total", Int(Double(count) / (now() - t0)), "payments/s")
ledger.close()
