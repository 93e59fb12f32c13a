import Configuration
import PaywallCore
import Tangle

/// What only all nodes together show: the time, and whether they are enough.
extension NodesCheck {
  /// Whether it is this machine's clock that is wrong: all nodes tell the same other time.
  var isClockOff: Bool {
    let skews = well.compactMap(\.skewMs)
    guard let least = skews.min(), let most = skews.max() else { return false }
    return skews.allSatisfy { abs($0) > TangleClock.toleranceMs }
      && most - least <= TangleClock.agreementMs
  }

  func checkClock(isOff: Bool, _ findings: inout Findings) {
    guard let skewMs else { return }
    guard isOff else {
      if abs(skewMs) <= TangleClock.toleranceMs {
        findings.ok(
          "clock", nil, "this machine's clock and the tangle's differ by \(Self.span(skewMs))")
      }
      return
    }
    let whose =
      well.count > 1 ? "the tangle's, as all nodes tell it" : "the time that the only node tells"
    findings.fail(
      "clock", nil,
      "this machine's clock is \(Self.span(skewMs)) \(skewMs > 0 ? "behind" : "ahead of") \(whose)",
      mend: well.count > 1
        ? "set it, as with: timedatectl set-ntp true"
        : "set it, as with: timedatectl set-ntp true; or if it is right, name another node")
  }

  func checkAgreement(_ findings: inout Findings) {
    let (agree, count) = (tangle.agree, well.count)
    let nodes = surveys.count == 1 ? "1 node" : "\(surveys.count) nodes"
    guard count >= agree else {
      return findings.fail(
        "agree", nil,
        "\(count) of \(nodes) can be used, but \(agree) \(agree == 1 ? "has" : "have") to tell the "
          + "same: no new payment counts",
        mend: "mend the nodes above, or name others")
    }
    let text =
      "\(count) of \(nodes) can be used; a payment counts once \(agree) "
      + (agree == 1 ? "tells it" : "tell it")
    if agree > 1, count == agree {
      findings.warn(
        "agree", nil, "\(text): none of them may fail", mend: "name another node of somebody else's"
      )
    } else {
      findings.ok("agree", nil, text)
    }
  }
}
