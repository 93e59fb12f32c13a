import Ledger
import PaywallCore
import Glibc

func rss(_ label: String) {
  var status = [UInt8](repeating: 0, count: 8192)
  let fd = open("/proc/self/status", O_RDONLY); let n = read(fd, &status, status.count); close(fd)
  let text = String(decoding: status.prefix(max(0, n)), as: UTF8.self)
  print(label, text.split(separator: "\n").filter { $0.hasPrefix("VmRSS") || $0.hasPrefix("VmHWM") }.joined(separator: " "))
}
func measureLoad(_ path: String) throws {
  rss("start")
  let t0 = now()
  let ledger = try Ledger(path: path, nowMs: 1000)
  let t1 = now(); print("open", t1 - t0)
  let entries = try ledger.storedOffers().map { OfferEntry(terms: $0.offer, fromMs: nil) }
  _ = try ledger.apply(offers: entries, nowMs: 2000, firstFromMs: 0)
  let t2 = now(); print("offers", t2 - t1, entries.count)
  var ts = timespec(); clock_gettime(CLOCK_REALTIME, &ts)
  let wall = Int64(ts.tv_sec) * 1000
  _ = try ledger.soldOffers(nowMs: wall)
  let t3 = now(); print("sold", t3 - t2)
  _ = try ledger.soldVersions(nowMs: wall)
  let t4 = now(); print("sold versions", t4 - t3)
  try ledger.discardChanges()
  let t5 = now(); print("changes", t5 - t4)
  rss("before load")
  var count = 0
  var names: [Username] = []
  let flaws = try ledger.forEachAccess(endingAfterMs: wall) { name, _ in count += 1; if count % 10 == 0 { names.append(name) } }
  let t6 = now(); print("load", t6 - t5, count, flaws.count)
  rss("after load")
  for name in names { _ = try ledger.access(of: name, endingAfterMs: wall) }
  let t7 = now(); print("lookups", (t7 - t6) / Double(max(1, names.count)) * 1e6, "us each")
  _ = try ledger.hasPendingPayments(); _ = try ledger.dataVersion()
  print("pending", now() - t7)
}
